package receipt

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func (v *verification) read() (string, []string) {
	r, err := Parse(v.file)
	if err != nil {
		return "unreadable", []string{err.Error()}
	}
	v.receipt = r
	return "no unknown field", nil
}

func (v *verification) origin() (string, []string) {
	line, _, _ := strings.Cut(string(v.receipt.Checkpoint), "\n")
	for _, said := range []string{v.receipt.Origin, line} {
		if said != v.trust.Origin {
			return "another", []string{"pinned    " + v.trust.Origin, "receipt   " + said}
		}
	}
	return "same", nil
}

func (v *verification) signed() (string, []string) {
	cp, n, err := ledger.OpenNote(v.receipt.Checkpoint, v.trust.Origin, v.trust.Keys)
	if err == nil {
		err = checkSignatureLines(v.receipt.Checkpoint, n)
	}
	if err != nil {
		return "no", []string{err.Error()}
	}
	v.checkpoint, v.note = cp, n
	own := slices.IndexFunc(n.Sigs, func(s note.Signature) bool { return s.Name == v.trust.Origin })
	return fmt.Sprintf("Ed25519 %08x", n.Sigs[own].Hash), nil
}

// checkSignatureLines refuses what note.Open passes over, so that no byte of a
// receipt is free to change: repeated signatures and a second spelling of base64.
func checkSignatureLines(b []byte, n *note.Note) error {
	lines := bytes.Count(b[len(n.Text)+1:], []byte("\n"))
	all := append(n.Sigs[:len(n.Sigs):len(n.Sigs)], n.UnverifiedSigs...)
	if lines != len(all) {
		return fmt.Errorf("the checkpoint has %d signature lines, %d of them repeated", lines, lines-len(all))
	}
	for _, s := range all {
		raw, err := base64.StdEncoding.Strict().DecodeString(s.Base64)
		if err != nil || base64.StdEncoding.EncodeToString(raw) != s.Base64 {
			return fmt.Errorf("the signature of %s is not in the one spelling of base64", s.Name)
		}
	}
	return nil
}

func (v *verification) witnessed() (string, []string) {
	if n := len(v.note.UnverifiedSigs); n > 0 {
		return fmt.Sprintf("%d of %d", len(v.note.Sigs), len(v.note.Sigs)+n), []string{
			fmt.Sprintf("no key is known for the signature of %s: name the key", v.note.UnverifiedSigs[0].Name)}
	}
	witnesses := 0
	for _, s := range v.note.Sigs {
		if s.Name != v.trust.Origin {
			witnesses++
		}
	}
	if witnesses == 0 {
		return "none named; trust: log key only", nil
	}
	return fmt.Sprintf("%d of %d", witnesses, witnesses), nil
}

// entries are the events of the receipt, and the enrolments behind them.
func (v *verification) entries() []ledger.Entry {
	return slices.Concat(v.receipt.Entries, v.receipt.Enrolments.Entries)
}

// leaf names an event of the receipt as the lines of a failed step do.
func (v *verification) leaf(i int) string {
	kind := fmt.Sprintf("event %d", i+1)
	if i < len(v.all) {
		kind = string(v.all[i].Event.Kind)
	}
	return fmt.Sprintf("%s, leaf %s", kind, grouped(strconv.FormatInt(v.entries()[i].Index, 10)))
}

func (v *verification) stated() (string, []string) {
	entries := v.entries()
	total, events := len(entries), len(v.receipt.Entries)
	for i, e := range entries {
		st, err := ledger.ParseLeaf(e.Leaf)
		switch {
		case err != nil:
		case i >= events:
			err = enrolling(st)
		case st.Event.Request != v.receipt.Request:
			err = fmt.Errorf("it is about %s", st.Event.Request)
		case st.Event.Request.IsEntity():
			err = fmt.Errorf("%s is no request", st.Event.Request)
		}
		if err != nil {
			return fmt.Sprintf("%d of %d", i, total), []string{v.leaf(i), err.Error()}
		}
		v.all = append(v.all, st)
	}
	v.statements, v.enrolled = v.all[:events:events], v.all[events:]
	return fmt.Sprintf("%d of %d", total, total), nil
}

func (v *verification) folded() (string, []string) {
	entries, proofs := v.entries(), slices.Concat(v.receipt.Proofs, v.receipt.Enrolments.Proofs)
	total, good := len(entries), 0
	var failed []string
	for i, e := range entries {
		hash := ledger.LeafHash(e.Leaf)
		if ledger.CheckProof(v.checkpoint, e.Index, hash, proofs[i]) == nil {
			good++
			continue
		}
		if failed == nil {
			computed := fold(v.checkpoint.Size, e.Index, hash, proofs[i])
			failed = append([]string{v.leaf(i)}, hashLines("signed", v.checkpoint.Root, "computed", computed)...)
		}
	}
	if failed != nil {
		return fmt.Sprintf("%d of %d", good, total), failed
	}
	return fmt.Sprintf("%d of %d  %s", good, total, short(v.checkpoint.Root)), nil
}

// fold returns the root that a path comes to, to be shown where it is not the
// signed one; whether it holds is for CheckProof to say (RFC 9162, section
// 2.1.3.2).
func fold(size, index int64, h ledger.Hash, path []ledger.Hash) ledger.Hash {
	last := size - 1
	for _, sibling := range path {
		if index&1 == 0 && index < last {
			h = tlog.NodeHash(h, sibling)
		} else {
			h = tlog.NodeHash(sibling, h)
			for index&1 == 0 && index > 0 {
				index, last = index>>1, last>>1
			}
		}
		index, last = index>>1, last>>1
	}
	return h
}

func (v *verification) chained() (string, []string) {
	total := len(v.statements) - 1
	var from countersign.State
	for i, st := range v.statements {
		if err := v.follows(i, from); err != nil {
			return fmt.Sprintf("%d of %d", max(i-1, 0), total), []string{v.leaf(i), err.Error()}
		}
		from = st.Event.State
	}
	if at, err := v.enrolledInOrder(); err != nil {
		return fmt.Sprintf("%d of %d", total, total), []string{v.leaf(at), err.Error()}
	}
	if total == 0 {
		return "one event, none before it", nil
	}
	return fmt.Sprintf("%d of %d", total, total), nil
}

func (v *verification) follows(i int, from countersign.State) error {
	st := v.statements[i]
	e := st.Event
	if e.Version != uint64(i+1) {
		return fmt.Errorf("it is version %d, want %d: an event is missing", e.Version, i+1)
	}
	if err := countersign.CheckMove(countersign.Move{From: from, Kind: e.Kind, To: e.State}); err != nil {
		return err
	}
	if i == 0 {
		return nil
	}
	before := v.statements[i-1]
	if want := ledger.LeafHash(v.receipt.Entries[i-1].Leaf); st.Prev != want {
		return fmt.Errorf("it names the leaf %s as the one before it, which hashes to %s", short(st.Prev), short(want))
	}
	if v.receipt.Entries[i].Index <= v.receipt.Entries[i-1].Index || e.At.Before(before.Event.At) {
		return fmt.Errorf("it is recorded before the event that it follows")
	}
	if st.Command != before.Command {
		return fmt.Errorf("it is about another command than the event before it")
	}
	return nil
}

func (v *verification) opened() (string, []string) {
	good, hidden := 0, 0
	entries := v.entries()
	var events []countersign.Event
	for i, st := range v.all {
		d := entries[i].Open
		e, err := st.Open(d)
		if err == nil {
			err = st.Agrees(entries[i].Leaf, e, d)
		}
		if err != nil {
			return fmt.Sprintf("%d open", good), []string{v.leaf(i), err.Error()}
		}
		events = append(events, e)
		slots := []*ledger.Opening{d.Context}
		if i < len(v.statements) {
			slots = append(slots, d.Who)
		}
		if i == 0 {
			slots = append(slots, d.Command)
		}
		for _, o := range slots {
			if o == nil {
				hidden++
			} else {
				good++
			}
		}
	}
	v.events, v.enrolledAs = events[:len(v.statements):len(v.statements)], events[len(v.statements):]
	detail := fmt.Sprintf("%d of %d", good, good)
	if hidden > 0 {
		detail = fmt.Sprintf("%d of %d, %d not disclosed", good, good, hidden)
	}
	return detail, nil
}
