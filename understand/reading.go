package understand

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// A Reading is what was found in a text of some language, such as SQL. It is
// made in a child process, out of hostile input, and comes to this one as JSON.
type Reading struct {
	Verbs   []string  `json:"verbs"`
	Objects []Object  `json:"objects,omitempty"`
	Found   []Finding `json:"found,omitempty"`
	// Outside are the places to which data would leave the resource, each once. An
	// empty one is the answer.
	Outside []string `json:"outside,omitempty"`
	// More is true when there is more than is listed.
	More bool `json:"more,omitempty"`
}

// An Object is what a text touches: a table, a program.
type Object struct {
	Name string `json:"name"`
	Verb string `json:"verb"`
}

// A Finding is an indicator without what the catalogue says of it.
type Finding struct {
	ID       string                `json:"id"`
	Evidence string                `json:"evidence,omitempty"`
	Certain  countersign.Certainty `json:"certain"`
}

const (
	// mostFound is how many objects, and how many findings, a reading may have.
	mostFound = 64
	// mostWords is the length in bytes of a name or of evidence.
	mostWords = 200
)

// Find adds what was found, once.
func (r *Reading) Find(id, evidence string, certain countersign.Certainty) {
	f := Finding{id, Clip(strings.ToValidUTF8(evidence, "\uFFFD")), certain}
	if !slices.Contains(r.Found, f) {
		r.Found = append(r.Found, f)
	}
}

// Does adds verbs, each once.
func (r *Reading) Does(verbs ...string) {
	for _, v := range verbs {
		if !slices.Contains(r.Verbs, v) {
			r.Verbs = append(r.Verbs, v)
		}
	}
}

// Touches adds an object, once.
func (r *Reading) Touches(name, verb string) {
	if o := (Object{Clip(strings.ToValidUTF8(name, "\uFFFD")), verb}); !slices.Contains(r.Objects, o) {
		r.Objects = append(r.Objects, o)
	}
}

// Export adds a place to which data would leave, once; empty for the answer.
func (r *Reading) Export(to string) {
	if to = strings.ToValidUTF8(to, "\uFFFD"); !slices.Contains(r.Outside, to) {
		r.Outside = append(r.Outside, to)
	}
}

// Encode is the reading as it goes from a child to its parent. Of what nobody
// would read to the end the worst is kept, and full is added, an indicator that
// says that there is more.
func (r Reading) Encode(full string) []byte {
	slices.SortStableFunc(r.Found, func(a, b Finding) int {
		left, _ := FindIndicator(a.ID)
		right, _ := FindIndicator(b.ID)
		return int(right.Severity) - int(left.Severity)
	})
	r.More = len(r.Found) >= mostFound || len(r.Objects) > mostFound || len(r.Outside) > mostFound
	r.Objects, r.Outside = r.Objects[:min(len(r.Objects), mostFound)], r.Outside[:min(len(r.Outside), mostFound)]
	if r.More {
		r.Found = fewer(r.Found)
		r.Found = append(r.Found, Finding{full, "more than is listed", countersign.Known})
	}
	slices.Sort(r.Verbs)
	b, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("understand: a reading has no JSON: %v", err))
	}
	return b
}

// fewer keeps the first finding of each indicator, because rules ask whether there
// is one, and as many others as there is room for.
func fewer(found []Finding) []Finding {
	var first, others []Finding
	for _, f := range found {
		if slices.ContainsFunc(first, func(o Finding) bool { return o.ID == f.ID }) {
			others = append(others, f)
		} else {
			first = append(first, f)
		}
	}
	all := append(first, others...)
	return all[:min(len(all), mostFound-1)]
}

// ParseReading decodes a reading strictly: what a child says is as little to be
// trusted as what it read.
func ParseReading(b []byte) (Reading, error) {
	var r Reading
	if err := canon.Unmarshal(b, &r); err != nil {
		return Reading{}, err
	}
	if len(r.Verbs) == 0 || max(len(r.Objects), len(r.Found), len(r.Outside)) > mostFound {
		return Reading{}, fmt.Errorf("a reading has %d verbs, %d objects, %d findings and %d places outside", len(r.Verbs), len(r.Objects), len(r.Found), len(r.Outside))
	}
	verbs := slices.Clone(r.Verbs)
	for _, o := range r.Objects {
		verbs = append(verbs, o.Verb)
		if len(o.Name) > mostWords+len(more) {
			return Reading{}, fmt.Errorf("the name of an object has %d bytes", len(o.Name))
		}
	}
	for _, v := range verbs {
		if _, ok := FindVerb(v); !ok {
			return Reading{}, fmt.Errorf("%.40q is no verb", v)
		}
	}
	for _, f := range r.Found {
		if _, ok := FindIndicator(f.ID); !ok {
			return Reading{}, fmt.Errorf("%.40q is no indicator", f.ID)
		}
		if len(f.Evidence) > mostWords+len(more) || f.Certain != countersign.Known && f.Certain != countersign.Possible {
			return Reading{}, fmt.Errorf("%s has evidence of %d bytes, certainty %.20q", f.ID, len(f.Evidence), f.Certain)
		}
	}
	return r, nil
}

const more = "…"

// Clip keeps what may be a megabyte of somebody's cunning out of facts, and says
// that it did.
func Clip(s string) string {
	if len(s) <= mostWords {
		return s
	}
	cut := mostWords
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.Clone(s[:cut]) + more
}
