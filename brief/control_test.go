package brief_test

import (
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

// changeOf is a change of the policy that waits, with these differences.
func changeOf(t *testing.T, lines ...string) countersign.Request {
	t.Helper()
	c, err := countersign.Changing(countersign.PolicyID, 3, countersign.PolicyChanged{Files: map[string]string{"a.yaml": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := countersign.DigestOf(c)
	if err != nil {
		t.Fatal(err)
	}
	r := countersign.Request{
		ID: "req_1a2b3c4d5e6f", State: countersign.State{Decision: countersign.DecisionPending, Execution: countersign.ExecutionNone},
		Digest: digest, Command: c, Resource: countersign.BuiltIn(), Requester: countersign.Operator(),
		Facts: countersign.Facts{Verbs: []string{"control.policy"}, Certainty: countersign.Known},
		Verdict: countersign.Verdict{Effect: countersign.Hold, Requirement: &countersign.Requirement{
			Stages: []countersign.Stage{{Reviewers: []string{countersign.Everyone}, Quorum: 2, Assurance: countersign.Passkey}},
		}},
	}
	if len(lines) > 0 {
		r.Facts.Changes = []countersign.Difference{{Of: "a.yaml", Lines: lines}}
	}
	return r
}

func TestAChangeIsApprovedOnlyWhereEveryChangedLineIsShown(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  bool
	}{
		"two lines":        {[]string{"-x", "+y"}, true},
		"nothing is told":  {nil, false},
		"too many lines":   {make([]string, 20_001), false},
		"too many letters": {[]string{"+" + strings.Repeat("x", 2<<20)}, false},
	} {
		if b := brief.Build(changeOf(t, test.lines...), nil); b.Approvable != test.want || b.Command.End.Shown != test.want {
			t.Errorf("%s: approvable %t, shown %t, want %t; obstacles %v", name, b.Approvable, b.Command.End.Shown, test.want, b.Obstacles)
		}
	}
}

func TestWhatHidesInAChangeIsMadeVisible(t *testing.T) {
	b := brief.Build(changeOf(t, "+  when: \"a\u202e\"\n+ forged"), nil)
	line := b.Command.Lines[1].Value.String()
	if strings.ContainsAny(line, "\u202e\n") || !strings.Contains(line, "<U+202E") || b.Command.End.Hidden != 2 {
		t.Errorf("got %q with %d hidden characters, want both of them labelled", line, b.Command.End.Hidden)
	}
}

func TestAChangeIsSaidInASentence(t *testing.T) {
	r := changeOf(t, "+x")
	for entity, want := range map[countersign.RequestID]string{
		countersign.PolicyID: "operator (local) would change the policy.",
		"grp:dba":            "operator (local) would change the group dba.",
		"res:mcp/files":      "operator (local) would change the resource mcp/files.",
	} {
		c := r.Command.(countersign.Control)
		c.Entity = entity
		r.Command = c
		if got := brief.Build(r, nil).Sentence.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	c := r.Command.(countersign.Control)
	c.Entity, c.From = "grp:dba", 0
	r.Command = c
	r.State = countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionSucceeded}
	if got, want := brief.Build(r, nil).Sentence.String(), "operator (local) added the group dba."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
