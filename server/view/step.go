package view

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/ledger"
)

// A Step is one recorded event of a request, in words.
type Step struct {
	Index   int64                 `json:"index,string"` // of its leaf
	Version uint64                `json:"version"`
	Kind    countersign.EventKind `json:"kind"`
	At      time.Time             `json:"at"`
	By      string                `json:"by"`
	Says    brief.Text            `json:"says"`
	// Leaf is the hash of the leaf (RFC 6962), in hex.
	Leaf string `json:"leaf"`
	// Pace is of a choice; nil for what is none.
	*Pace
}

// StepsOf are the recorded events of the request r that b presents.
func StepsOf(r countersign.Request, b brief.Brief, entries []ledger.Entry) ([]Step, error) {
	steps := []Step{}
	t := teller{brief: b, choices: b.Deciders.Choices, refused: b.Deciders.Refused}
	for _, entry := range entries {
		e, err := entry.Event()
		if err != nil {
			return nil, err
		}
		hash := ledger.LeafHash(entry.Leaf)
		s := Step{Index: entry.Index, Version: e.Version, Kind: e.Kind(), At: e.At, Leaf: hex.EncodeToString(hash[:])}
		s.By, s.Says = t.tell(e)
		if made, ok := e.Body.(countersign.Decided); ok {
			made.Decision.At = e.At
			s.Pace = new(paceOf(r, made.Decision))
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// A teller takes its words from the Brief, where everything from outside is
// marked already.
type teller struct {
	brief            brief.Brief
	choices, refused []brief.Signature // that no event has told yet
}

func (t *teller) tell(e countersign.Event) (by string, says brief.Text) {
	by = string(e.Who.Actor.Kind)
	asker := t.brief.Facts[0].Value.String()
	switch body := e.Body.(type) {
	case countersign.Requested:
		return asker, t.brief.Facts[4].Value
	case countersign.Joined:
		return asker, text("asked for the same again")
	case countersign.Held:
		return by, text(Because(body.Verdict, body.Because))
	case countersign.Denied:
		return by, text(Because(body.Verdict, body.Because))
	case countersign.Allowed:
		return by, text(Because(body.Verdict, ""))
	case countersign.Decided, countersign.Escalated:
		return signed(&t.choices)
	case countersign.Refused:
		return signed(&t.refused)
	case countersign.Released:
		return by, text("policy, people and bytes were checked again; one permit, for " + t.brief.Facts[2].Value.String())
	case countersign.Completed:
		return by, text(string(body.Outcome.Execution))
	case countersign.Resolved:
		if t.brief.Outcome != nil {
			return by, t.brief.Outcome.Says
		}
	case countersign.Revealed:
		return e.Who.Actor.Name, text("had the secrets of the command shown; the reason is on record")
	case countersign.Expired:
		return by, text("nobody decided in time")
	case countersign.Lapsed:
		return by, text("it was approved, and not run in time")
	case countersign.Withdrawn:
		return by, text("it was taken back")
	}
	return by, brief.Text{}
}

// signed takes the next signature off the list.
func signed(list *[]brief.Signature) (string, brief.Text) {
	if len(*list) == 0 {
		return "", brief.Text{}
	}
	s := (*list)[0]
	*list = (*list)[1:]
	says := string(s.Choice)
	if s.Assurance != "" {
		says += ", " + string(s.Assurance)
	}
	if s.Code != "" {
		says += ", not counted: " + string(s.Code)
	}
	out := text(says)
	if len(s.Reason) > 0 {
		out = append(append(out, brief.Span{Text: ": "}), s.Reason...)
	}
	return s.Name.String(), out
}

func text(s string) brief.Text { return brief.Text{{Text: s}} }

// Because names what led to a verdict.
func Because(v countersign.Verdict, why string) string {
	var rules []string
	for _, r := range v.Leading() {
		rules = append(rules, r.ID)
	}
	switch {
	case why != "":
		return why
	case len(rules) == 0:
		return "no rule speaks of it, so the default counts"
	case len(rules) == 1:
		return "by the rule " + rules[0]
	}
	return "by the rules " + strings.Join(rules[:len(rules)-1], ", ") + " and " + rules[len(rules)-1]
}
