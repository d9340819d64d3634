package brief

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// Deciders say who decides, who has, and who cannot.
type Deciders struct {
	// Signed of Needed people have approved.
	Signed int     `json:"signed"`
	Needed int     `json:"needed"`
	Stages []Stage `json:"stages"`
	// Reason is true when an approval must carry a reason.
	Reason bool     `json:"reason"`
	Barred []Barred `json:"barred"` // none where nobody is asked
	// Choices are all choices in the order in which they were made, and Refused
	// those that were not counted.
	Choices []Signature `json:"choices"`
	Refused []Signature `json:"refused"`
	// Next is who is needed as well if nobody decides; nil: nobody.
	Next *Next `json:"next,omitempty"`
	// Now says who is on duty for the on-call groups among them, and who stands in for
	// somebody who is away. Like the time left, it changes while people read, and is no
	// part of the view.
	Now []Text `json:"now,omitempty"`
	// Closed says until when nobody can approve it and why; nil: it is open.
	Closed *Closed `json:"closed,omitempty"`
}

// Lost are the approvals that are missing of those needed: of people who have none
// that counts any more.
func (d Deciders) Lost() []Signature {
	if d.Signed >= d.Needed {
		return nil
	}
	var lost []Signature
	for _, c := range d.Choices {
		counts := func(o Signature) bool {
			return o.Choice == countersign.Approve && len(o.Void) == 0 && o.Name.String() == c.Name.String()
		}
		if c.Choice == countersign.Approve && !slices.ContainsFunc(d.Choices, counts) {
			lost = append(lost, c)
		}
	}
	return lost
}

// Next is the next step of an escalation. Like the time left, it changes while
// people read, and is no part of the view.
type Next struct {
	At     time.Time `json:"at"`
	Groups []string  `json:"groups"`
	// Says is "at 16:45:00 UTC, dba-lead is needed as well".
	Says string `json:"says"`
}

// Closed is why nobody can approve it before a time.
type Closed struct {
	Until time.Time `json:"until"`
	Why   []Text    `json:"why"`
}

// timesOf says what the times of the requirement come to.
func timesOf(r countersign.Request) (next *Next, closed *Closed) {
	if rung, ok := r.NextRung(); ok {
		groups := cleanAll(rung.To)
		next = &Next{At: rung.At, Groups: groups, Says: "at " + rung.At.UTC().Format("2006-01-02 15:04:05 UTC") + ", " + list(groups, "or") + " is needed as well"}
	}
	if q := r.Verdict.Requirement; !q.NotBefore.IsZero() {
		closed = &Closed{Until: q.NotBefore, Why: []Text{}}
		for _, why := range q.Closed {
			closed.Why = append(closed.Why, inline(why))
		}
	}
	return next, closed
}

// A Stage is one row of signature lines.
type Stage struct {
	Groups    []string              `json:"groups"`
	Quorum    int                   `json:"quorum"`
	Assurance countersign.Assurance `json:"assurance"`
	// Says is "anyone of payments, with a session".
	Says   string      `json:"says"`
	Signed []Signature `json:"signed"`
}

// A Signature is one person's choice.
type Signature struct {
	Name      Text                  `json:"name"`
	Choice    countersign.Choice    `json:"choice"`
	Assurance countersign.Assurance `json:"assurance"`
	Channel   string                `json:"channel"`
	At        time.Time             `json:"at"`
	Reason    Text                  `json:"reason,omitempty"`
	Void      Text                  `json:"void,omitempty"` // why it no longer counts
	Code      countersign.Code      `json:"code,omitempty"` // why it was never counted
}

// Barred is somebody who cannot decide: "Alice Moreau", "owns support-bot".
type Barred struct {
	Who Text   `json:"who"`
	Why string `json:"why"`
}

// people finds names; it may know nobody.
type people struct {
	*countersign.Directory
	veil veil
}

func (p people) person(id string) string {
	if p.Directory != nil {
		if who, ok := p.People[id]; ok && strings.TrimSpace(who.Name) != "" {
			return who.Name
		}
	}
	return id
}

func (p people) group(name string) (countersign.Group, bool) {
	if p.Directory == nil {
		return countersign.Group{}, false
	}
	g, ok := p.Groups[name]
	return g, ok
}

func isPerson(id string) bool { return strings.HasPrefix(id, "per_") }

// kind is "agent, owned by Alice Moreau".
func (p people) kind(who countersign.Principal) Text {
	kind := say(clean(string(who.Kind)))
	switch {
	case who.Owner == "":
	case isPerson(who.Owner):
		kind = join(kind, say(", owned by "), name(p.person(who.Owner)))
	default:
		kind = join(kind, say(", owned by the group "), name(who.Owner))
	}
	if who.Kind == countersign.KindPerson && who.Issuer != "" {
		kind = join(kind, say(", known to "), name(who.Issuer))
	}
	return kind
}

func deciders(r countersign.Request, p people) Deciders {
	d := Deciders{Stages: []Stage{}, Barred: []Barred{}, Choices: []Signature{}, Refused: []Signature{}}
	for _, choice := range r.Decisions {
		d.Choices = append(d.Choices, p.signature(choice))
	}
	for _, refused := range r.Refusals {
		s := p.signature(refused.Decision)
		s.Code = refused.Code
		d.Refused = append(d.Refused, s)
	}
	q := r.Verdict.Requirement
	if q == nil {
		return d
	}
	d.Reason, d.Barred = q.Reason, p.barred(r)
	d.Next, d.Closed = timesOf(r)
	d.Now = p.now(r, q.Stages)
	signed := p.seats(r, q.Stages)
	for i, s := range q.Stages {
		if floor := r.Facts.Severity().Floor(); !s.Assurance.Meets(floor) {
			s.Assurance = floor
		}
		stage := Stage{Groups: cleanAll(s.Reviewers), Quorum: s.Quorum, Assurance: s.Assurance, Signed: []Signature{}}
		stage.Says = stageSays(stage)
		for _, choice := range signed[i] {
			stage.Signed = append(stage.Signed, p.signature(choice))
		}
		d.Needed += stage.Quorum
		d.Signed += len(stage.Signed)
		d.Stages = append(d.Stages, stage)
	}
	return d
}

func (p people) signature(d countersign.Decision) Signature {
	return Signature{Name: name(nameOf(d.By)), Choice: d.Choice, Assurance: d.Assurance,
		Channel: clean(d.Channel), At: d.At, Reason: p.veil.inline(d.Reason), Void: inline(d.Void)}
}

func stageSays(s Stage) string {
	of := list(s.Groups, "or")
	proof, each := map[countersign.Assurance]string{
		countersign.Chat: "in chat or better", countersign.Session: "with a session", countersign.Passkey: "with a passkey",
	}[s.Assurance], ""
	if s.Quorum == 1 {
		of = "anyone of " + of
	} else {
		of, each = count(s.Quorum, "different person")+" of "+of, " each"
		of = strings.Replace(of, "persons", "people", 1)
	}
	if proof == "" {
		return of
	}
	return of + ", " + proof + each
}

// seats puts every approval that counts into a stage that wants it, nobody into
// two, so that as many count as can. Without a directory anyone fits anywhere.
func (p people) seats(r countersign.Request, stages []countersign.Stage) [][]countersign.Decision {
	seats := make([][]countersign.Decision, len(stages))
	fits := func(d countersign.Decision, s countersign.Stage) bool {
		counted := r.Decision != countersign.DecisionPending && p.Directory != nil && !p.sits(d.By.ID, r, stages...)
		if !d.Assurance.Meets(s.Assurance) || p.Directory == nil || counted { // when it counted they sat there
			return d.Assurance.Meets(s.Assurance)
		}
		return p.sits(d.By.ID, r, s)
	}
	// Kuhn's algorithm: whoever sits moves on if there is another seat for them.
	var seat func(d countersign.Decision, tried []bool) bool
	seat = func(d countersign.Decision, tried []bool) bool {
		for i, s := range stages {
			if tried[i] || !fits(d, s) {
				continue
			}
			tried[i] = true
			if len(seats[i]) < s.Quorum {
				seats[i] = append(seats[i], d)
				return true
			}
			for n, other := range seats[i] {
				if seat(other, tried) {
					seats[i][n] = d
					return true
				}
			}
		}
		return false
	}
	seen := map[string]bool{}
	for _, d := range r.Approvals() {
		if !seen[d.By.ID] {
			seen[d.By.ID] = seat(d, make([]bool, len(stages)))
		}
	}
	return seats
}

// sits reports whether the person has a seat now of a group that one of the stages
// names.
func (p people) sits(person string, r countersign.Request, stages ...countersign.Stage) bool {
	seats := p.SeatsOf(person, r.CreatedAt, r.Barred)
	return slices.ContainsFunc(stages, func(s countersign.Stage) bool {
		return slices.ContainsFunc(seats, func(g string) bool { return slices.Contains(s.Reviewers, g) })
	})
}

// A barrier collects who cannot decide and why, in the order of finding.
type barrier struct {
	people
	order []string // ids, or the names of people that have none here
	names map[string]Text
	whys  map[string][]tie
}

// A tie is what binds somebody to an asker: "owns", "support-bot".
type tie struct{ verb, asker string }

func (b *barrier) bar(id string, who Text, why tie) {
	if id == "" || slices.Contains(b.whys[id], why) {
		return
	}
	if b.whys[id] == nil {
		b.order, b.names[id] = append(b.order, id), who
	}
	b.whys[id] = append(b.whys[id], why)
}

// says is "owns and made support-bot".
func says(ties []tie) string {
	var parts []string
	for len(ties) > 0 {
		asker, verbs := ties[0].asker, []string{}
		ties = slices.DeleteFunc(slices.Clone(ties), func(t tie) bool {
			if t.asker == asker {
				verbs = append(verbs, t.verb)
			}
			return t.asker == asker
		})
		parts = append(parts, strings.TrimSpace(list(verbs, "and")+" "+asker))
	}
	return strings.Join(parts, "; ")
}

// principal bars a person; whoever is no person decides nothing anyway. A chain
// from elsewhere names people by what verified them.
func (b *barrier) principal(who countersign.Principal, why tie) {
	if who.Kind != countersign.KindPerson {
		return
	}
	id := who.ID
	if b.Directory != nil {
		for known, p := range b.People {
			if p.Issuer == who.Issuer && p.Subject == who.Subject && p.Subject != "" {
				id = known
			}
		}
	}
	b.bar(cmp.Or(id, who.Name), name(nameOf(who)), why)
}

// owner bars a person, or everyone of a group.
func (b *barrier) owner(owner, of string) {
	g, isGroup := b.group(owner)
	who := b.anyone(owner, g)
	if !isGroup && isPerson(owner) {
		who = name(b.person(owner))
	}
	b.bar(owner, who, tie{"owns", of})
}

// barred lists the people who cannot decide, and why. The gate enforces it, and
// what it recorded at first is in the list whatever the directory says now.
func (p people) barred(r countersign.Request) []Barred {
	b := barrier{people: p, whys: map[string][]tie{}, names: map[string]Text{}}
	asker := name(nameOf(r.Requester)).String()
	for i, who := range append([]countersign.Principal{r.Requester}, r.OnBehalfOf...) {
		called := name(nameOf(who)).String()
		if i == 0 {
			b.principal(who, tie{verb: "asks for it"})
		} else {
			b.principal(who, tie{verb: asker + " asks on their behalf"})
		}
		if who.Kind != countersign.KindAgent {
			continue
		}
		if who.Owner != "" {
			b.owner(who.Owner, called)
		}
		if p.Directory == nil {
			continue
		}
		a := p.Agents[who.ID]
		if a.Owner != "" {
			b.owner(a.Owner, called)
		}
		b.principal(a.CreatedBy, tie{"made", called})
		for _, t := range a.Tokens {
			if !t.Revoked {
				b.principal(t.IssuedBy, tie{"issued a token of", called})
			}
		}
	}
	for _, id := range r.Barred {
		if b.whys[id] == nil && !b.grouped(id) {
			b.bar(id, name(p.person(id)), tie{verb: "stood behind it when it was asked"})
		}
	}
	barred := []Barred{}
	for _, id := range b.order {
		barred = append(barred, Barred{b.names[id], says(b.whys[id])})
	}
	return barred
}

// grouped says whether the person is of a group that is barred already.
func (b *barrier) grouped(person string) bool {
	return slices.ContainsFunc(b.order, func(id string) bool {
		g, ok := b.group(id)
		return ok && slices.ContainsFunc(g.Members, func(m countersign.Member) bool { return m.Person == person })
	})
}

// anyone is "anyone of platform (Bob Okafor, Mei Tanaka and 2 others)".
func (p people) anyone(group string, g countersign.Group) Text {
	const mostNamed = 4
	who := join(say("anyone of "), name(group))
	ids := map[string]bool{}
	for _, m := range g.Members {
		ids[m.Person] = true
	}
	var names []string
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		names = append(names, name(p.person(id)).String())
	}
	slices.Sort(names)
	if more := len(names) - mostNamed; more > 0 {
		names = append(names[:mostNamed], count(more, "other"))
	}
	if len(names) == 0 {
		return who
	}
	return join(who, say(" ("+list(names, "and")+")"))
}
