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
	// Exports is true when data would leave the resource: to Outside, or with
	// the answer.
	Exports bool   `json:"exports,omitempty"`
	Outside string `json:"outside,omitempty"`
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

// Encode is the reading as it goes from a child to its parent. Of what nobody
// would read to the end the worst is kept, and full is added, an indicator that
// says that there is more.
func (r Reading) Encode(full string) []byte {
	slices.SortStableFunc(r.Found, func(a, b Finding) int {
		left, _ := FindIndicator(a.ID)
		right, _ := FindIndicator(b.ID)
		return int(right.Severity) - int(left.Severity)
	})
	over := len(r.Found) >= mostFound || len(r.Objects) > mostFound
	r.Found, r.Objects = r.Found[:min(len(r.Found), mostFound-1)], r.Objects[:min(len(r.Objects), mostFound)]
	if over {
		r.Found = append(r.Found, Finding{full, "more than is listed", countersign.Known})
	}
	slices.Sort(r.Verbs)
	b, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("understand: a reading has no JSON: %v", err))
	}
	return b
}

// ParseReading decodes a reading strictly: what a child says is as little to be
// trusted as what it read.
func ParseReading(b []byte) (Reading, error) {
	var r Reading
	if err := canon.Unmarshal(b, &r); err != nil {
		return Reading{}, err
	}
	if len(r.Verbs) == 0 || len(r.Objects) > mostFound || len(r.Found) > mostFound {
		return Reading{}, fmt.Errorf("a reading has %d verbs, %d objects and %d findings", len(r.Verbs), len(r.Objects), len(r.Found))
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
