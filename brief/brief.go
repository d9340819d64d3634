// Package brief builds the one presentation of a request that every channel lays
// out: Build makes a Brief of a Request, and its Digest names what a person was
// shown. Channels differ in how they draw a Brief, never in what it says; what
// none of them may leave out is in Mandatory.
//
// All text in a Brief comes as spans. What stands in the text of a span that is
// not hidden can be seen; a channel still escapes it for its own markup. A secret
// is in no span of a Brief that Build makes.
package brief

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// A Brief is a request as people are shown it.
type Brief struct {
	ID       countersign.RequestID `json:"id"`
	State    countersign.State     `json:"state"`
	Severity countersign.Severity  `json:"severity"`
	AskedAt  time.Time             `json:"asked_at"`
	Sentence Text                  `json:"sentence"`
	// Because says why it waits again, or why it was denied without a rule.
	Because    Text        `json:"because,omitempty"`
	Facts      []Fact      `json:"facts"`
	Command    Command     `json:"command"`
	Touches    Touches     `json:"touches"`
	Why        Why         `json:"why"`
	Indicators []Indicator `json:"indicators"`
	// Claim is the reason that the requester gives, empty if there is none. It
	// may have several lines and is always shown as a claim: ClaimMark.
	Claim  Text   `json:"claim,omitempty"`
	Bounds string `json:"bounds,omitempty"`
	// Repeats says what became of the same command before, empty if it is new.
	Repeats  Text     `json:"repeats,omitempty"`
	Deciders Deciders `json:"deciders"`
	// ExpiresAt is when it is refused if nobody decides; zero if it is not held.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Outcome   *Outcome  `json:"outcome,omitempty"`
	// Obstacles are sentences that say why nobody can approve this.
	Obstacles []Text `json:"obstacles"`
	// Approvable is true while it is pending and there is no obstacle. A channel
	// offers Approve then, and at no other time.
	Approvable bool `json:"approvable"`
}

// ClaimMark stands beside every claim.
const ClaimMark = "not checked by anyone"

// Build makes the Brief of a request. It depends on nothing but its arguments;
// d may be nil, and then names that the request does not carry are ids.
//
// Secrets in what comes from outside are redacted, such as a password among the
// arguments. While one of the command is, nobody can approve what is shown: for
// that there is Reveal.
func Build(r countersign.Request, d *countersign.Directory) Brief {
	return build(r, d, veilOf(r.Command))
}

// Reveal makes the Brief of a request with the secrets of its command in it, for
// somebody to whom they were revealed. Its view digest is that of Build if Build
// hides none, and another if it does.
func Reveal(r countersign.Request, d *countersign.Directory) Brief {
	return build(r, d, veil{lifted: true})
}

func build(r countersign.Request, d *countersign.Directory, v veil) Brief {
	p := people{d, v}
	b := Brief{
		ID: r.ID, State: r.State, Severity: r.Facts.Severity(),
		AskedAt: r.CreatedAt, Sentence: sentence(r), Because: v.inline(r.Because),
		Facts: facts(r, p), Touches: touches(r, v), Why: why(r.Verdict), Indicators: indicators(r.Facts, v),
		Claim: v.asSent(r.Reason), Bounds: bounds(r.Verdict.Requirement), Repeats: repeats(r),
		Deciders: deciders(r, p), ExpiresAt: r.ExpiresAt(), Outcome: outcome(r, v),
		Obstacles: []Text{},
	}
	var obstacles []string
	b.Command, obstacles = command(r, v)
	for _, o := range obstacles {
		b.Obstacles = append(b.Obstacles, say(o))
	}
	if r.Verdict.Requirement != nil {
		for _, o := range r.Verdict.Requirement.Blocked {
			b.Obstacles = append(b.Obstacles, inline(o))
		}
	}
	if b.Digest().IsZero() {
		b.Obstacles = append(b.Obstacles, say("This view has no digest, so it cannot be approved."))
	}
	pending := r.State == countersign.State{Decision: countersign.DecisionPending, Execution: countersign.ExecutionNone}
	b.Approvable = pending && r.Verdict.Effect == countersign.Hold && len(b.Deciders.Stages) > 0 && len(b.Obstacles) == 0
	return b
}

// viewVersion changes with the way in which a Brief is shown.
const viewVersion = 2

// A view is all of a Brief that a decision rests on. Votes, time left, history,
// state and outcome are not in it: they change while people read.
type view struct {
	Version    int                   `json:"version"`
	ID         countersign.RequestID `json:"id"`
	Severity   countersign.Severity  `json:"severity"`
	Sentence   Text                  `json:"sentence"`
	Because    Text                  `json:"because"`
	Facts      []Fact                `json:"facts"`
	Command    Command               `json:"command"`
	Touches    Touches               `json:"touches"`
	Why        Why                   `json:"why"`
	Indicators []Indicator           `json:"indicators"`
	Claim      Text                  `json:"claim"`
	Bounds     string                `json:"bounds"`
	Stages     []viewStage           `json:"stages"`
	Reason     bool                  `json:"reason"`
	Barred     []Barred              `json:"barred"`
	Obstacles  []Text                `json:"obstacles"`
	Closed     *Closed               `json:"closed,omitempty"`
}

// A viewStage is a stage without its signatures.
type viewStage struct {
	Groups    []string              `json:"groups"`
	Quorum    int                   `json:"quorum"`
	Assurance countersign.Assurance `json:"assurance"`
	Says      string                `json:"says"`
}

// Digest is the view digest: SHA-256("countersign/view/v1" 0x0A canonical JSON)
// over all of the Brief but its votes, time left, history, state and outcome. It
// is zero for a view of more than 8 MiB; that names no view, and Build lets
// nobody approve it.
func (b Brief) Digest() countersign.Digest {
	v := view{
		Version: viewVersion, ID: b.ID, Severity: b.Severity, Sentence: b.Sentence, Because: b.Because,
		Facts: b.Facts, Command: b.Command, Touches: b.Touches, Why: b.Why, Indicators: b.Indicators,
		Claim: b.Claim, Bounds: b.Bounds, Reason: b.Deciders.Reason, Barred: b.Deciders.Barred, Obstacles: b.Obstacles, Closed: b.Deciders.Closed,
	}
	for _, s := range b.Deciders.Stages {
		v.Stages = append(v.Stages, viewStage{s.Groups, s.Quorum, s.Assurance, s.Says})
	}
	canonical, err := canon.Marshal(v)
	if err != nil {
		return countersign.Digest{}
	}
	h := sha256.New()
	h.Write([]byte("countersign/view/v1\n"))
	h.Write(canonical)
	return countersign.Digest(h.Sum(nil))
}

// A Part is something that no channel may leave out.
type Part struct {
	Name string
	// Says are the texts that stand in whatever a channel shows, in any order,
	// white space and the channel's own escapes aside.
	Says []string
}

func (p *Part) add(says ...string) { p.Says = append(p.Says, says...) }

// PartRisk is the part of which a channel may write the words in capitals.
const PartRisk = "risk"

// Mandatory lists what every channel shows, or links to without an Approve.
func (b Brief) Mandatory() []Part {
	risk := Part{PartRisk, []string{b.Severity.String()}}
	facts, touches, rules := Part{Name: "facts"}, Part{Name: "what it would touch"}, Part{Name: "rules"}
	found, claim, who := Part{Name: "indicators"}, Part{Name: "claim"}, Part{Name: "deciders"}
	obstacles := Part{Name: "obstacles"}
	for _, f := range b.Facts {
		facts.add(f.Value.String(), f.Detail.String())
	}
	for _, t := range b.Touches.Objects {
		touches.add(t.Name.String(), t.Verb, t.Classes, t.Count, string(t.Certainty))
	}
	touches.add(b.Touches.Unknown.String())
	for _, r := range b.Why.Rules {
		rules.add(r.ID, r.Source, r.Why, r.Doubt)
	}
	rules.add(b.Why.Says)
	for _, i := range b.Indicators {
		risk.add(i.Severity.String())
		found.add(i.ID, i.Says().String())
	}
	if len(b.Claim) > 0 {
		claim.add(ClaimMark)
		claim.add(strings.FieldsFunc(b.Claim.String(), func(r rune) bool { return strings.ContainsRune("\n\t\"\\", r) })...)
	}
	for _, s := range b.Deciders.Stages {
		who.add(s.Says)
	}
	for _, barred := range b.Deciders.Barred {
		who.add(barred.Who.String(), barred.Why)
	}
	for _, o := range b.Obstacles {
		obstacles.add(o.String())
	}
	if c := b.Deciders.Closed; c != nil {
		for _, why := range c.Why {
			obstacles.add(why.String())
		}
	}
	return append(b.Command.mandatory(), risk, Part{"sentence", []string{b.Sentence.String()}},
		Part{"why it waits again", []string{b.Because.String()}}, facts, touches, rules, found, claim,
		Part{"bounds", []string{b.Bounds}}, who, obstacles)
}

func (c Command) mandatory() []Part {
	command, hidden, notes := Part{Name: "command"}, Part{Name: "hidden characters"}, Part{Name: "notes"}
	for _, line := range append([]Line{c.Title}, c.Lines...) {
		command.add(line.Path.String(), line.Value.String())
		for _, s := range join(line.Path, line.Value) {
			if s.Boxed() {
				hidden.add(s.Label)
			}
		}
		for _, n := range line.Notes {
			notes.add(n.Says.String(), n.ID)
		}
	}
	return []Part{command, hidden, notes, {"end of command", c.End.Says}, {"digest", c.Words[:]}}
}

// Missing returns the first mandatory text that does not stand in what a channel
// shows, white space aside, with the name of its part; ok is false if there is
// one.
func (b Brief) Missing(shown string) (part, says string, ok bool) {
	shown = squeezed(shown)
	lower := strings.ToLower(shown)
	for _, p := range b.Mandatory() {
		for _, s := range p.Says {
			there := strings.Contains(shown, squeezed(s))
			if p.Name == PartRisk {
				there = strings.Contains(lower, s)
			}
			if !there {
				return p.Name, s, false
			}
		}
	}
	return "", "", true
}

// squeezed is the text without white space.
func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }
