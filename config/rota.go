package config

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign/gate/duty/stint"
	"github.com/countersignhq/countersign/internal/nearest"
	"go.yaml.in/yaml/v3"
)

// LoadRota reads a roster. People are named as groups name them; known are those that
// it may name, and nil leaves that open. What is wrong with it comes as Problems.
//
//	zone: Europe/Berlin
//	rotations:
//	- name: first
//	  handover: weekly            # or daily
//	  begins: 2026-01-05 09:00    # the first handover, to the first of the people
//	  people: ["local|alice", "local|bob"]
//	overrides:
//	- {person: "local|carol", from: 2026-12-24 09:00, to: 2026-12-27 09:00, rotation: first}
func LoadRota(path string, known []string) (stint.Rota, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return stint.Rota{}, err
	}
	return ParseRota(path, b, known)
}

// ParseRota reads the text of a roster by the name.
func ParseRota(name string, text []byte, known []string) (stint.Rota, error) {
	r := &rotaReader{reader: &reader{file: name}, known: known, rota: stint.Rota{Zone: time.UTC}}
	root, err := document(text)
	if err != nil {
		return stint.Rota{}, Problems{syntax(name, err)}
	}
	if root == nil {
		root = &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	}
	var rotations, overrides *yaml.Node
	r.mapping(root, "", keyed{
		"zone":      r.zone(&r.rota.Zone),
		"rotations": func(n *yaml.Node) { rotations = n },
		"overrides": func(n *yaml.Node) { overrides = n },
	})
	// They are read once the zone is known, wherever it stands.
	if rotations != nil {
		r.list("rotations", r.rotation)(rotations)
	}
	if overrides != nil {
		r.list("overrides", r.override)(overrides)
	}
	if len(r.rota.Rotations)+len(r.rota.Overrides) == 0 && len(r.problems) == 0 {
		r.wrong(root, "list rotations, or overrides", "the roster has nobody on duty, ever")
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
		return stint.Rota{}, r.problems
	}
	return r.rota, nil
}

type rotaReader struct {
	*reader
	known []string
	rota  stint.Rota
}

func (r *rotaReader) rotation(n *yaml.Node) {
	var rotation stint.Rotation
	r.mapping(n, "a rotation", keyed{
		"name":     r.text("name", &rotation.Name),
		"handover": r.handover(&rotation.Days),
		"begins":   r.clock("begins", &rotation.Begins),
		"people": r.list("people", func(p *yaml.Node) {
			person := r.person(p)
			r.among(p, person, r.known)
			rotation.People = append(rotation.People, person)
		}),
	})
	if n.Kind == yaml.MappingNode && (rotation.Days == 0 || rotation.Begins.IsZero() || len(rotation.People) == 0) && len(r.problems) == 0 {
		r.wrong(n, "handover: weekly, begins: 2026-01-05 09:00", "a rotation has a handover, a time at which it begins, and people")
	}
	r.rota.Rotations = append(r.rota.Rotations, rotation)
}

func (r *rotaReader) handover(to *int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		days := map[string]int{"daily": 1, "weekly": 7}
		if *to = days[n.Value]; *to == 0 {
			hint := "write daily or weekly"
			if near, ok := nearest.To(n.Value, []string{"daily", "weekly"}); ok {
				hint = "did you mean " + near + "?"
			}
			r.wrong(n, hint, "handover: %q is neither daily nor weekly", n.Value)
		}
	}
}

// clock reads a time on the wall clock of the roster's zone.
func (r *rotaReader) clock(what string, to *time.Time) func(*yaml.Node) {
	return func(n *yaml.Node) {
		t, err := time.ParseInLocation("2006-01-02 15:04", strings.Replace(n.Value, "T", " ", 1), r.rota.Zone)
		if n.Kind != yaml.ScalarNode || err != nil {
			r.wrong(n, "write it as 2026-01-05 09:00", "%s: want a day and a time, got %q", what, n.Value)
			return
		}
		*to = t
	}
}

func (r *rotaReader) override(n *yaml.Node) {
	var o stint.Override
	r.mapping(n, "an override", keyed{
		"person": func(v *yaml.Node) { o.Person = r.person(v); r.among(v, o.Person, r.known) },
		"from":   r.clock("from", &o.From), "to": r.clock("to", &o.To),
		"rotation": func(v *yaml.Node) { r.text("rotation", &o.Rotation)(v); r.named(v, o.Rotation) },
	})
	if n.Kind == yaml.MappingNode && (o.Person == "" || !o.From.Before(o.To)) && len(r.problems) == 0 {
		r.wrong(n, "", "an override has a person, and from before to")
	}
	r.rota.Overrides = append(r.rota.Overrides, o)
}

// named refuses the name of a rotation that there is not.
func (r *rotaReader) named(n *yaml.Node, name string) {
	var names []string
	for _, rotation := range r.rota.Rotations {
		if rotation.Name != "" {
			names = append(names, rotation.Name)
		}
	}
	if name == "" || slices.Contains(names, name) {
		return
	}
	hint := "the rotations are " + strings.Join(names, ", ")
	if near, ok := nearest.To(name, names); ok {
		hint = "did you mean " + near + "?"
	}
	r.wrong(n, hint, "there is no rotation %q", name)
}
