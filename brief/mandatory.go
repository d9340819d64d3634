package brief

import (
	"strings"

	"github.com/countersignhq/countersign/internal/unhide"
)

// A Part is something that no channel may leave out.
type Part struct {
	Name string
	// Says are the texts that stand in whatever a channel shows, in any order,
	// white space and the channel's own escapes aside.
	Says []string
}

// Mandatory lists what every channel shows, or links to without an Approve.
func (b Brief) Mandatory() []Part {
	parts := []Part{
		{"risk", []string{b.Severity.String()}},
		{"sentence", []string{b.Sentence.String()}},
		{"why it waits again", []string{b.Because.String()}},
		{"facts", nil},
		{"command", []string{b.Command.Title.Value.String()}},
		{"hidden characters", nil},
		{"notes", nil},
		{"end of command", b.Command.End.Says},
		{"what it would touch", []string{b.Touches.Unknown.String()}},
		{"rules", []string{b.Why.Says}},
		{"indicators", nil},
		{"claim", nil},
		{"bounds", []string{b.Bounds}},
		{"deciders", nil},
		{"obstacles", nil},
		{"digest", b.Command.Words[:]},
	}
	add := func(name string, says ...string) {
		for i := range parts {
			if parts[i].Name == name {
				parts[i].Says = append(parts[i].Says, says...)
			}
		}
	}
	for _, f := range b.Facts {
		add("facts", f.Value.String(), f.Detail.String())
	}
	for _, line := range append([]Line{b.Command.Title}, b.Command.Lines...) {
		add("command", line.Path.String(), line.Value.String())
		for _, s := range join(line.Path, line.Value) {
			if s.Role == Hidden {
				add("hidden characters", s.Label)
			}
		}
		for _, n := range line.Notes {
			add("notes", n.Severity.String(), n.Says.String(), n.ID)
		}
	}
	for _, t := range b.Touches.Objects {
		add("what it would touch", t.Name.String(), t.Verb, t.Classes, t.Count, string(t.Certainty))
	}
	for _, r := range b.Why.Rules {
		add("rules", r.ID, r.Source, r.Why, r.Doubt)
	}
	for _, i := range b.Indicators {
		add("indicators", i.Severity.String(), i.ID, i.Says().String())
	}
	if len(b.Claim) > 0 {
		add("claim", ClaimMark)
		add("claim", strings.FieldsFunc(b.Claim.String(), func(r rune) bool { return strings.ContainsRune("\n\t\"\\", r) })...)
	}
	for _, s := range b.Deciders.Stages {
		add("deciders", s.Says)
	}
	for _, who := range b.Deciders.Barred {
		add("deciders", who.Who.String(), who.Why)
	}
	for _, o := range b.Obstacles {
		add("obstacles", o.String())
	}
	return parts
}

// Missing returns the first mandatory text that does not stand in what a channel
// shows, white space aside, with the name of its part; ok is false if there is
// one.
func (b Brief) Missing(shown string) (part, says string, ok bool) {
	shown = squeezed(shown)
	for _, p := range b.Mandatory() {
		for _, s := range p.Says {
			if !strings.Contains(shown, squeezed(s)) {
				return p.Name, s, false
			}
		}
	}
	return "", "", true
}

// squeezed is the text without white space.
func squeezed(s string) string { return strings.Join(strings.Fields(unhide.Visible(s)), "") }
