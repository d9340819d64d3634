package config

import (
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign/internal/nearest"
	"go.yaml.in/yaml/v3"
)

// An OnCall is a group whose members a schedule selects from those of another: in
// rules it is called "oncall:" and its name. It has either a Schedule or a Calendar.
type OnCall struct {
	Name string // "payments"
	// Pool is the group that it selects from. Whoever is not of it is never on duty.
	// Key "pool".
	Pool string
	// Schedule is the path of a roster: LoadRota. Key "schedule".
	Schedule string
	// Calendar is where an iCalendar is: https://…, env:NAME of the variable that has
	// such an address, which is often a secret, or file:PATH. Key "calendar".
	Calendar Value
	// Zone is that of whole days in the calendar, and of times without one. Key
	// "zone". Defaults to UTC.
	Zone *time.Location
	// People are issuer|subject by the address of an attendee, or by the whole summary
	// of an event. Key "people".
	People map[string]string
	Line   int
}

func (r *reader) onCall(to *[]OnCall) func(*yaml.Node) {
	return r.list("oncall", func(n *yaml.Node) {
		o := OnCall{Line: n.Line, Zone: time.UTC}
		var calendar string
		r.mapping(n, "oncall", keyed{
			"name":     func(v *yaml.Node) { r.text("oncall name", &o.Name)(v); r.word(v, "oncall") },
			"pool":     func(v *yaml.Node) { r.text("oncall pool", &o.Pool)(v); r.word(v, "pool") },
			"schedule": r.text("oncall schedule", &o.Schedule), "calendar": r.text("oncall calendar", &calendar),
			"zone": r.zone(&o.Zone), "people": r.callers(&o.People),
		})
		if n.Kind != yaml.MappingNode {
			return
		}
		twice := slices.ContainsFunc(*to, func(other OnCall) bool { return other.Name == o.Name })
		switch {
		case o.Name == "" || o.Pool == "":
			r.wrong(n, "", "an oncall group has a name and a pool")
		case twice:
			r.wrong(n, "keep one of them", "there is an oncall group %s already", o.Name)
		case (o.Schedule == "") == (calendar == ""):
			r.wrong(n, "schedule: rota.yaml, or calendar: https://…", "oncall group %s has either a schedule or a calendar", o.Name)
		case calendar != "" && len(o.People) == 0:
			r.wrong(n, `people: {"alice@example.com": "local|alice"}`, "nothing says who the people in the calendar of %s are", o.Name)
		case o.Schedule != "" && len(o.People) > 0:
			r.wrong(n, "a roster names people as groups do", "people are for a calendar")
		}
		if o.Schedule != "" {
			o.Schedule = under(r.dir, o.Schedule)
		}
		o.Calendar = parseValue(calendar, r.dir)
		if calendar != "" && !o.Calendar.IsReference() && !strings.HasPrefix(calendar, "https://") && !strings.HasPrefix(calendar, "http://") {
			r.wrong(n, "write it as https://…, env:NAME or file:PATH", "the calendar of %s is nowhere", o.Name)
		}
		*to = append(*to, o)
	})
}

// zone reads a time zone.
func (r *reader) zone(to **time.Location) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		r.text("zone", &s)(n)
		zone, err := time.LoadLocation(s)
		if s == "" {
			return
		}
		if err != nil || s == "Local" {
			r.wrong(n, "write it as Europe/Berlin", "zone: %q is no time zone of the IANA database", s)
			return
		}
		*to = zone
	}
}

// callers reads who the people of a calendar are.
func (r *reader) callers(to *map[string]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		*to = map[string]string{}
		r.entries(n, "people", func(key, value *yaml.Node) {
			if person := r.person(value); person != "" {
				called := strings.TrimSpace(key.Value)
				if strings.Contains(called, "@") {
					called = strings.ToLower(called)
				}
				(*to)[called] = person
			}
		})
	}
}

// person reads issuer|subject.
func (r *reader) person(n *yaml.Node) string {
	var s string
	r.text("a person", &s)(n)
	issuer, subject, ok := strings.Cut(s, "|")
	if s != "" && (!ok || issuer == "" || subject == "") {
		r.wrong(n, `write it as "local|bob"`, "want issuer|subject, got %q", s)
		return ""
	}
	return s
}

// among refuses a person who is none of those known, if any are.
func (r *reader) among(n *yaml.Node, person string, known []string) {
	if person == "" || len(known) == 0 || slices.Contains(known, person) {
		return
	}
	hint := "they are " + strings.Join(known, ", ")
	if near, ok := nearest.To(person, known); ok {
		hint = "did you mean " + near + "?"
	}
	r.wrong(n, hint, "%s is none of the pool", person)
}

// Pool are the members, as issuer|subject, of the group's pool, if the configuration
// keeps them; none otherwise.
func (c Config) Pool(o OnCall) []string {
	var known []string
	for _, m := range c.Groups[o.Pool] {
		known = append(known, m.String())
	}
	return known
}
