// Package audit re-derives from the log alone that the sentence the product
// stands on held for every request: nothing ran that is not on record; what was
// held ran only after the decisions it needed, by distinct people none of whom
// asked for it; it was one command throughout; and it ran at most once.
//
// Run is all there is to call. The package shares the words and the ledger with
// the rest and nothing of the gate, so that a mistake in the gate cannot hide
// itself here.
package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// A Source is the log to audit.
type Source struct {
	// Trust is the pinned key of the log.
	Trust ledger.Trust
	// Checkpoint is the signed head; the entries are audited up to it.
	Checkpoint []byte
	// Entries are the leaves from the first, with what may be opened of them. Of
	// what may not, only what stands in the open is judged.
	Entries func(context.Context) iter.Seq2[ledger.Entry, error]
	// Since leaves out the requests that nothing happened to at this time or
	// after. The tree is checked, and the control plane judged, from the first
	// leaf all the same. Zero judges every request.
	Since time.Time
}

// A Report is what was found.
type Report struct {
	Origin     string
	Size       int64 // leaves
	Root       ledger.Hash
	Requests   int // that were judged
	Earlier    int // that were not, being from before Source.Since
	Released   int
	Running    []countersign.RequestID // released, and no outcome on record yet
	Unknown    []countersign.RequestID // nobody could tell what happened
	Sealed     int                     // events that could not be opened, and so were judged by their open part only
	Violations []Violation
}

// Holds reports whether everything was judged and nothing was found.
func (r Report) Holds() bool { return len(r.Violations) == 0 && r.Sealed == 0 }

// A Violation is one place where the record says that the sentence did not hold.
type Violation struct {
	Leaf    int64
	Request countersign.RequestID
	Says    string // a sentence
}

// String returns the violation as one line.
func (v Violation) String() string {
	return fmt.Sprintf("leaf %d, %s: %s", v.Leaf, v.Request, v.Says)
}

// Run audits the log. Its error says that the log could not be read or is not
// what the checkpoint signs; what the log says against itself is in the report.
func Run(ctx context.Context, s Source) (Report, error) {
	cp, err := ledger.OpenCheckpoint(s.Checkpoint, s.Trust.Origin, s.Trust.Keys)
	if err != nil {
		return Report{}, err
	}
	a := &auditor{
		since:  s.Since,
		report: Report{Origin: cp.Origin, Size: cp.Size, Root: cp.Root},
		cases:  map[countersign.RequestID]*account{}, people: newPeople(),
	}
	var edge ledger.Edge
	for entry, err := range s.Entries(ctx) {
		if err != nil {
			return a.report, fmt.Errorf("read leaf %d: %w", edge.Size(), err)
		}
		if edge.Size() == cp.Size {
			break // recorded after the checkpoint
		}
		if entry.Index != edge.Size() {
			return a.report, fmt.Errorf("leaf %d stands where leaf %d is wanted: the log has a gap", entry.Index, edge.Size())
		}
		edge, _ = edge.Append([]ledger.Hash{ledger.LeafHash(entry.Leaf)})
		a.take(entry)
	}
	if edge.Size() != cp.Size || edge.Root() != cp.Root {
		return a.report, fmt.Errorf("the %d leaves fold to %s, and the checkpoint signs %d with %s: the log was changed",
			edge.Size(), edge.Root(), cp.Size, cp.Root)
	}
	a.finish()
	return a.report, nil
}

// auditor is the state of one audit.
type auditor struct {
	report Report
	since  time.Time
	cases  map[countersign.RequestID]*account
	people *people
	last   time.Time // the latest of any leaf so far
}

// account is what is known of one request, or of one entity, so far.
type account struct {
	first   int64 // its first leaf
	version uint64
	state   countersign.State
	prev    ledger.Hash
	command ledger.Commitment
	sealed  bool // an event of it could not be opened
	sealeds int  // how many
	last    time.Time
	ran     int // releases
	open    inTheOpen

	asks        *asks              // nil unless it is about the control plane
	held        ledger.Hash        // leaf of the last held event
	heldUnder   countersign.Digest // the policy in it
	digest      countersign.Digest
	asked       countersign.Requested
	who         countersign.Who
	created     time.Time
	verdict     countersign.Verdict // of the last held event
	requirement *countersign.Requirement
	added       []countersign.Stage // by escalations
	approvals   []approval
	runBy       time.Time
	settled     time.Time
}

// approval is one that counts as far as is known.
type approval struct {
	person    string
	assurance countersign.Assurance
	version   uint64
	key       string // the passkey that signed it, empty without
	// through is the link that it came through, as it was then; empty for any way
	// but a chat.
	through countersign.RequestID
	link    link
}

// take audits one entry.
func (a *auditor) take(entry ledger.Entry) {
	said, err := ledger.ParseLeaf(entry.Leaf)
	if err != nil {
		a.violation(entry.Index, "", "the leaf cannot be read: %v", err)
		return
	}
	id := said.Event.Request
	acc := a.cases[id]
	if acc == nil {
		acc = &account{command: said.Command, first: entry.Index}
		a.cases[id] = acc
	}
	fail := func(err error) {
		if err != nil {
			a.violation(entry.Index, id, "%v", err)
		}
	}
	fail(a.chained(acc, said))
	acc.version, acc.prev = said.Event.Version, ledger.LeafHash(entry.Leaf)
	if said.Event.Kind == countersign.KindHeld {
		acc.held, acc.heldUnder = acc.prev, said.Event.Public.Policy
	}
	if said.Event.At.After(a.last) {
		a.last = said.Event.At
	}
	acc.last = a.last // and not its own time, which may be a lie to look older
	if said.Event.Kind == countersign.KindReleased {
		acc.ran++
	}
	for _, err := range a.opened(acc, entry, said) {
		fail(err)
	}
	if !id.IsEntity() {
		fail(countersign.CheckMove(countersign.Move{From: acc.state, Kind: said.Event.Kind, To: said.Event.State}))
		acc.state = said.Event.State
		if acc.state.Settled() && acc.settled.IsZero() {
			acc.settled = said.Event.At
		}
	}
}

// opened judges the event by what is disclosed of it, or by its open part if
// that is not all, and returns what is wrong.
func (a *auditor) opened(acc *account, entry ledger.Entry, said ledger.Statement) []error {
	public := said.Event
	e, err := said.Open(entry.Open)
	if err == nil {
		err = said.Agrees(entry.Leaf, e, entry.Open) // executors and those who may open nothing read the open part
	}
	inTheOpen := a.inTheOpen(acc, public)
	switch {
	case err != nil:
		acc.sealed = true
		return []error{inTheOpen, fmt.Errorf("what was sealed is not what was committed to: %w", err)}
	case e.Body == nil, e.Who.Actor.Kind == "", public.Kind == countersign.KindRequested && e.Command == nil:
		acc.sealed = true
		acc.sealeds++
		return []error{inTheOpen}
	case public.Request.IsEntity():
		a.people.leaf = entry.Index
		return []error{a.controlled(e), a.people.change(e)}
	case acc.sealed:
		return []error{inTheOpen}
	}
	return a.judge(acc, e)
}

// chained checks that the event follows the one before it.
func (a *auditor) chained(acc *account, said ledger.Statement) error {
	switch {
	case said.Event.Version != acc.version+1:
		return fmt.Errorf("version %d follows version %d", said.Event.Version, acc.version)
	case said.Prev != acc.prev:
		return errors.New("it does not name the event before it")
	case said.Command != acc.command:
		return errors.New("it is about another command than the events before it")
	case said.Event.At.Before(a.last):
		return fmt.Errorf("its time, %s, is before the leaf before it", said.Event.At)
	}
	return nil
}

// finish looks at what is left at the end of the log.
func (a *auditor) finish() {
	earlier := map[countersign.RequestID]bool{}
	for id, acc := range a.cases {
		if id.IsEntity() {
			a.report.Sealed += acc.sealeds
			continue
		}
		if acc.last.Before(a.since) {
			earlier[id] = true
			continue
		}
		a.report.Requests++
		a.report.Released += acc.ran
		a.report.Sealed += acc.sealeds
		switch acc.state.Execution {
		case countersign.ExecutionRunning:
			a.report.Running = append(a.report.Running, id)
		case countersign.ExecutionUnknown:
			a.report.Unknown = append(a.report.Unknown, id)
		}
	}
	a.report.Earlier = len(earlier)
	a.report.Violations = slices.DeleteFunc(a.report.Violations, func(v Violation) bool { return earlier[v.Request] })
}

func (a *auditor) violation(leaf int64, id countersign.RequestID, format string, args ...any) {
	a.report.Violations = append(a.report.Violations, Violation{leaf, id, fmt.Sprintf(format, args...)})
}
