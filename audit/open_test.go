package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var nine = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// A record is a log in the making, whatever it says, with nothing disclosed.
type record struct {
	t        *testing.T
	at       time.Time
	versions map[countersign.RequestID]uint64
	prev     map[countersign.RequestID]ledger.Hash
	entries  []ledger.Entry
	hashes   []ledger.Hash
}

func newRecord(t *testing.T) *record {
	return &record{t: t, at: nine, versions: map[countersign.RequestID]uint64{}, prev: map[countersign.RequestID]ledger.Hash{}}
}

func (r *record) add(id countersign.RequestID, decision countersign.DecisionState, execution countersign.ExecutionState, who countersign.PrincipalKind, body countersign.Body) {
	r.t.Helper()
	r.versions[id]++
	e := countersign.Event{Request: id, Version: r.versions[id], Body: body,
		State: countersign.State{Decision: decision, Execution: execution},
		Who:   countersign.Who{Actor: countersign.Principal{Kind: who, ID: string(who)}}}
	form, err := ledger.Encode(e)
	must(r.t, err)
	form.At = r.at
	command := ledger.Commitment{1}
	if id.IsEntity() {
		command = ledger.Commitment{}
	}
	leaf, err := ledger.Leaf(form, r.prev[id], command, ledger.Commitment{2}, ledger.Commitment{3})
	must(r.t, err)
	r.prev[id] = ledger.LeafHash(leaf)
	r.entries = append(r.entries, ledger.Entry{Index: int64(len(r.entries)), Leaf: leaf})
	r.hashes = append(r.hashes, r.prev[id])
}

// held asks and holds until a quarter past nine, for two people.
func (r *record) held(id countersign.RequestID) {
	r.t.Helper()
	r.add(id, countersign.DecisionPending, countersign.ExecutionNone, countersign.KindAgent, countersign.Requested{})
	r.add(id, countersign.DecisionPending, countersign.ExecutionNone, countersign.KindGateway, countersign.Held{Verdict: verdict()})
}

func verdict() countersign.Verdict {
	return countersign.Verdict{Effect: countersign.Hold, Requirement: &countersign.Requirement{
		Stages:    []countersign.Stage{{Reviewers: []string{"dba"}, Quorum: 1, Assurance: countersign.Session}, {Reviewers: []string{"legal"}, Quorum: 1, Assurance: countersign.Passkey}},
		ExpiresAt: nine.Add(15 * time.Minute),
	}}
}

func (r *record) approved(id countersign.RequestID, to countersign.DecisionState, by countersign.PrincipalKind, with countersign.Assurance) {
	r.t.Helper()
	r.add(id, to, countersign.ExecutionNone, by, countersign.Decided{
		Decision: countersign.Decision{Choice: countersign.Approve, Assurance: with}, RunBy: nine.Add(20 * time.Minute),
	})
}

func (r *record) released(id countersign.RequestID, approvals ...int) {
	r.t.Helper()
	v := verdict()
	r.add(id, countersign.DecisionApproved, countersign.ExecutionRunning, countersign.KindGateway,
		countersign.Released{Executor: "mcp/files", Verdict: &v, Approvals: approvals})
}

// signed is the record with its checkpoint and the key that verifies it.
func (r *record) signed() audit.Source {
	r.t.Helper()
	private, vkey, err := ledger.NewKey("audit.example/log")
	must(r.t, err)
	signer, err := ledger.NewSigner(private)
	must(r.t, err)
	verifier, err := ledger.NewVerifier(vkey)
	must(r.t, err)
	edge, _ := ledger.Edge{}.Append(r.hashes)
	cp, err := ledger.SignCheckpoint("audit.example/log", edge, signer)
	must(r.t, err)
	return audit.Source{
		Trust: ledger.Trust{Origin: "audit.example/log", Keys: note.VerifierList(verifier)}, Checkpoint: cp.Note,
		Entries: func(context.Context) iter.Seq2[ledger.Entry, error] {
			return func(yield func(ledger.Entry, error) bool) {
				for _, e := range r.entries {
					if !yield(e, nil) {
						return
					}
				}
			}
		},
	}
}

func TestLeavesAloneShowAReleaseWithoutItsDecisions(t *testing.T) {
	const id = "req_000000000001"
	both := func(r *record) {
		r.approved(id, countersign.DecisionPending, countersign.KindPerson, countersign.Session)
		r.approved(id, countersign.DecisionApproved, countersign.KindPerson, countersign.Passkey)
	}
	for name, c := range map[string]struct {
		says string // empty: nothing
		do   func(*record)
	}{
		"two people, in time": {"", func(r *record) { both(r); r.released(id, 3, 4) }},
		"one of two": {"the decisions it needs are not there", func(r *record) {
			r.approved(id, countersign.DecisionApproved, countersign.KindPerson, countersign.Passkey)
			r.released(id, 3)
		}},
		"two, and no passkey": {"the decisions it needs are not there", func(r *record) {
			r.approved(id, countersign.DecisionPending, countersign.KindPerson, countersign.Session)
			r.approved(id, countersign.DecisionApproved, countersign.KindPerson, countersign.Session)
			r.released(id, 3, 4)
		}},
		"one counted twice":   {"was counted already", func(r *record) { both(r); r.released(id, 4, 4) }},
		"what is no approval": {"is no approval", func(r *record) { both(r); r.released(id, 2, 4) }},
		"an agent as one of them": {"no person, decided it", func(r *record) {
			r.approved(id, countersign.DecisionPending, countersign.KindAgent, countersign.Session)
		}},
		"too late to approve": {"after it expired", func(r *record) { r.at = nine.Add(16 * time.Minute); both(r) }},
		"too late to run":     {"after its approval lapsed", func(r *record) { both(r); r.at = nine.Add(21 * time.Minute); r.released(id, 3, 4) }},
		"released twice":      {"no move by released", func(r *record) { both(r); r.released(id, 3, 4); r.released(id, 3, 4) }},
		"released undecided":  {"no move by released", func(r *record) { r.released(id) }},
		"expired before its time": {"before its time", func(r *record) {
			r.add(id, countersign.DecisionExpired, countersign.ExecutionNone, countersign.KindGateway, countersign.Expired{})
		}},
		"an agent that makes people": {"changed the control plane", func(r *record) {
			r.add("per_000000000001", "", "", countersign.KindAgent, countersign.PersonChanged{})
		}},
	} {
		r := newRecord(t)
		r.held(id)
		c.do(r)
		report, err := audit.Run(t.Context(), r.signed())
		must(t, err)
		found := fmt.Sprint(report.Violations)
		if c.says == "" && len(report.Violations) > 0 || !strings.Contains(found, c.says) {
			t.Errorf("%s: found %s, want %q", name, found, c.says)
		}
		if report.Sealed != len(r.entries) || report.Holds() {
			t.Errorf("%s: %d of %d events are counted as sealed, holds: %v; want all, and no word that it holds", name, report.Sealed, len(r.entries), report.Holds())
		}
	}
}

func TestOnlyRequestsWithAnEventSinceAreJudged(t *testing.T) {
	r := newRecord(t)
	r.held("req_000000000001")
	r.released("req_000000000001") // with nobody's decision
	r.at = nine.Add(time.Hour)
	r.held("req_000000000002")
	source := r.signed()
	for since, want := range map[time.Time][3]int{ // judged, earlier, violations
		{}:                                    {2, 0, 2},
		nine:                                  {2, 0, 2},
		nine.Add(time.Hour):                   {1, 1, 0},
		nine.Add(time.Hour + time.Nanosecond): {0, 2, 0},
	} {
		source.Since = since
		report, err := audit.Run(t.Context(), source)
		must(t, err)
		if got := [3]int{report.Requests, report.Earlier, len(report.Violations)}; got != want {
			t.Errorf("since %s: got %v judged, earlier and violations, want %v: %v", since, got, want, report.Violations)
		}
	}
}

// An event that says it is older than the leaf before it happened after that
// leaf all the same.
func TestAnEventCannotHideBehindAnOldTime(t *testing.T) {
	r := newRecord(t)
	r.at = nine.Add(time.Hour)
	r.held("req_000000000001")
	r.at = nine
	r.held("req_000000000002")
	source := r.signed()
	source.Since = nine.Add(30 * time.Minute)
	report, err := audit.Run(t.Context(), source)
	must(t, err)
	if report.Requests != 2 || len(report.Violations) == 0 || report.Violations[0].Request != "req_000000000002" {
		t.Errorf("got %+v, want the second judged and found out", report)
	}
}

func TestEveryHashOfTheTilesIsFolded(t *testing.T) {
	r := newRecord(t)
	for i := range 150 { // 300 leaves: a full tile, a partial one and one above
		r.held(countersign.RequestID(fmt.Sprintf("req_%012d", i)))
	}
	source := r.signed()
	edge, full := ledger.Edge{}.Append(r.hashes)
	change, cut := tlog.Tile{L: -2}, 0
	read := func(_ context.Context, tile tlog.Tile) ([]byte, error) {
		b, ok := edge.Tile(tile.L, tile.N, tile.W)
		for _, f := range full {
			if f.Level == tile.L && f.N == tile.N {
				b, ok = f.Hashes, true
			}
		}
		if !ok {
			return nil, fmt.Errorf("no tile %v", tile)
		}
		b = bytes.Clone(b)
		if tile.L == change.L && tile.N == change.N {
			b[len(b)-1] ^= 1
		}
		return b[:len(b)-cut], nil
	}
	if cp, err := audit.Tree(t.Context(), source.Trust, source.Checkpoint, read); err != nil || cp.Size != 300 {
		t.Fatalf("got %d leaves, %v; want 300", cp.Size, err)
	}
	for _, change = range []tlog.Tile{{L: 0, N: 0}, {L: 0, N: 1}, {L: 1, N: 0}} {
		if _, err := audit.Tree(t.Context(), source.Trust, source.Checkpoint, read); err == nil {
			t.Errorf("a bit of tile %d of level %d was changed and not found", change.N, change.L)
		}
	}
	change, cut = tlog.Tile{L: -2}, tlog.HashSize
	if _, err := audit.Tree(t.Context(), source.Trust, source.Checkpoint, read); err == nil {
		t.Error("tiles that are cut short were taken")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
