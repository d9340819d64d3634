package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
)

// scope is how much of a log an audit could read.
type scope string

const (
	wholeRecord scope = "record" // what is sealed too
	leavesOnly  scope = "leaves" // what stands in the open
	treeOnly    scope = "tree"   // hashes
)

// An audited log is a report with what it is a report of.
type audited struct {
	audit.Report
	scope scope
	since time.Time
}

// unchecked are the things that the scope leaves out.
func (r audited) unchecked() []string {
	sealed := []string{
		"who decided, and that each was another person who had to and did not ask for it",
		"that what ran is what was decided, beyond its being one sealed command throughout",
		"what the rules came to, and the reasons that were given",
	}
	switch r.scope {
	case wholeRecord:
		return nil
	case leavesOnly:
		return sealed
	}
	return append([]string{"every request: the entries of the log are not given to this caller"}, sealed...)
}

func (t *terminal) audited(r audited, asJSON bool) error {
	var err error
	if asJSON {
		err = t.json(r.wire())
	} else {
		t.auditText(r)
	}
	switch {
	case err != nil:
		return err
	case len(r.Violations) > 0:
		return exit(exitTampered)
	case r.scope == wholeRecord && !r.Holds():
		return exit(exitFailed)
	}
	return nil
}

func (t *terminal) auditText(r audited) {
	t.print("log        %s  size %s  root %x", oneLine(r.Origin), grouped(r.Size), r.Root[:4])
	if r.scope != treeOnly {
		t.print("requests   %s, %s released", grouped(int64(r.Requests)), grouped(int64(r.Released)))
	}
	if r.scope != treeOnly && !r.since.IsZero() {
		t.print("since      %s; not judged: %s before that", stamp(r.since), count(r.Earlier, "request"))
	}
	if len(r.Running) > 0 {
		t.print("running    %s", idList(r.Running))
	}
	if len(r.Unknown) > 0 {
		t.print("unknown    %s; countersign resolve records what really happened", idList(r.Unknown))
	}
	if r.scope == wholeRecord && r.Sealed > 0 {
		t.print("sealed     %s could not be opened; only the open part was judged", count(r.Sealed, "event"))
	}
	label := "unchecked"
	for _, what := range r.unchecked() {
		for _, row := range wrapped(what, 68) {
			t.print("%-9s  %s", label, row)
			label = ""
		}
	}
	t.print("")
	switch {
	case len(r.Violations) > 0:
		t.violations(r.Violations)
	case r.scope == treeOnly:
		t.print("%s  every hash is in the tree that the checkpoint signs; nothing else was checked", t.paint(yellow, "nothing found"))
	case r.scope == leavesOnly:
		t.print("%s  in what stands in the open: the tree, moves, votes counted, times", t.paint(yellow, "nothing found"))
	case r.Sealed > 0:
		t.print("%s  nothing was found, and not everything could be opened", t.paint(red, "NOT PROVEN"))
	default:
		t.print("%s      what ran was decided by those who had to, unchanged, and at most once", t.paint(green, "holds"))
	}
}

func (t *terminal) violations(all []audit.Violation) {
	t.print("%s  %s", t.paint(red, "DOES NOT HOLD"), count(len(all), "violation"))
	for i, v := range all {
		if i == 20 {
			t.print("  and %s more", grouped(int64(len(all)-i)))
			break
		}
		t.print("  %s", oneLine(v.String()))
	}
}

func idList(ids []countersign.RequestID) string {
	const most = 5
	var texts []string
	for _, id := range ids[:min(most, len(ids))] {
		texts = append(texts, oneLine(string(id)))
	}
	says := fmt.Sprintf("%s: %s", grouped(int64(len(ids))), strings.Join(texts, ", "))
	if len(ids) > most {
		says += ", …"
	}
	return says
}

// auditWire is an audit as --json prints it. Holds is true only if everything
// was read and nothing found.
type auditWire struct {
	Holds      bool                    `json:"holds"`
	Scope      scope                   `json:"scope"`
	Unchecked  []string                `json:"unchecked"`
	Origin     string                  `json:"origin"`
	Size       int64                   `json:"size,string"`
	Root       string                  `json:"root"`
	Requests   int                     `json:"requests"`
	Released   int                     `json:"released"`
	Since      time.Time               `json:"since,omitzero"`
	Earlier    int                     `json:"earlier"`
	Running    []countersign.RequestID `json:"running"`
	Unknown    []countersign.RequestID `json:"unknown"`
	Sealed     int                     `json:"sealed"`
	Violations []auditViolation        `json:"violations"`
}

type auditViolation struct {
	Leaf    int64                 `json:"leaf,string"`
	Request countersign.RequestID `json:"request,omitempty"`
	Says    string                `json:"says"`
}

func (r audited) wire() auditWire {
	out := auditWire{
		Holds: r.scope == wholeRecord && r.Holds(), Scope: r.scope, Unchecked: append([]string{}, r.unchecked()...),
		Origin: r.Origin, Size: r.Size, Root: fmt.Sprintf("%x", r.Root[:]), Requests: r.Requests, Released: r.Released,
		Since: r.since, Earlier: r.Earlier,
		Running: append([]countersign.RequestID{}, r.Running...), Unknown: append([]countersign.RequestID{}, r.Unknown...),
		Sealed: r.Sealed, Violations: []auditViolation{},
	}
	for _, v := range r.Violations {
		out.Violations = append(out.Violations, auditViolation{v.Leaf, v.Request, v.Says})
	}
	return out
}
