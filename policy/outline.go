package policy

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// An Outline is one rule in words, for people who read the policy.
type Outline struct {
	ID, Why string
	Effect  countersign.Effect
	Source  string // "policy/production.yaml:21"
	// Match is "verbs mcp.write; environments prod", empty if it speaks of all.
	Match string
	// When is the expression as written, or the window of a freeze; empty if there
	// is none.
	When string
	// Require is "2 of dba, with passkey; a reason", empty for what is no hold.
	Require string
	// Resources are the patterns of the resources that it speaks of; none is all.
	Resources []string
}

// SpeaksOf reports whether the rule may bear on the resource.
func (o Outline) SpeaksOf(resource string) bool {
	return match{resources: o.Resources}.fitsResource(resource)
}

// Outline returns the rules in the order of their ids.
func (p *Policy) Outline() []Outline {
	if p == nil {
		return nil
	}
	var all []Outline
	for i := range p.rules {
		r := &p.rules[i]
		o := Outline{
			ID: r.id, Why: r.why, Effect: r.effect, Source: r.source(), Match: r.match.says(),
			Resources: r.match.resources,
		}
		if r.when != nil {
			o.When = r.when.Source()
		}
		if r.freeze != nil {
			o.When = "from " + stamp(r.freeze.from) + " to " + stamp(r.freeze.to)
		} else if r.effect == countersign.Hold {
			o.Require = r.need.says(r.set)
		}
		all = append(all, o)
	}
	return all
}

func (m match) says() string {
	var parts []string
	for _, list := range []struct {
		name  string
		words []string
	}{
		{"resources", m.resources}, {"environments", m.environments}, {"verbs", m.verbs},
		{"data_classes", m.classes}, {"requester", m.kinds}, {"regions", m.regions},
	} {
		if len(list.words) > 0 {
			parts = append(parts, list.name+" "+strings.Join(list.words, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

func (n need) says(set defaults) string {
	var parts []string
	for _, s := range n.stages {
		says := strconv.Itoa(s.Quorum) + " of " + strings.Join(s.Reviewers, " or ")
		if s.Assurance != "" {
			says += ", with " + string(s.Assurance)
		}
		parts = append(parts, says)
	}
	if len(parts) == 0 {
		parts = append(parts, "1 of "+strings.Join(set.reviewers, " or "))
	}
	if n.reason {
		parts = append(parts, "a reason")
	}
	for _, b := range n.bounds {
		parts = append(parts, "at most "+b.limit.Source()+" "+b.name)
	}
	if n.hours != "" {
		parts = append(parts, "in the hours of "+n.hours)
	}
	for _, s := range n.escalates {
		parts = append(parts, strings.Join(s.to, " or ")+" as well after "+short(s.after))
	}
	if n.remind.after > 0 {
		parts = append(parts, "asked again after "+short(n.remind.after))
	}
	parts = append(parts, "within "+short(cmp.Or(n.expires, set.expires, defaultExpires)))
	return strings.Join(parts, "; ")
}

// short is a duration as rules write it: "30m", "24h".
func short(d time.Duration) string {
	s := d.String()
	s = strings.TrimSuffix(s, "m0s") + map[bool]string{true: "m"}[strings.HasSuffix(s, "m0s")]
	return strings.TrimSuffix(s, "h0m") + map[bool]string{true: "h"}[strings.HasSuffix(s, "h0m")]
}
