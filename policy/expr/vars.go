package expr

import (
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/countersignhq/countersign"
)

// How much of a request expressions see. What is larger is not cut but unknown.
const (
	maxObjects = 128
	maxItems   = 32 // of every other list
	maxText    = 256
)

// Request is what expressions are asked about.
type Request struct {
	Facts      countersign.Facts
	Classes    []string // of the data it touches
	Resource   countersign.Resource
	Requester  countersign.Principal
	OnBehalfOf []countersign.Principal
	// AgentRegion is where a result goes that no sink takes; empty is unknown.
	AgentRegion string
	Now         time.Time
	// Preview is nil until one has been run.
	Preview *countersign.Preview
}

// Vars are the variables of one request. They are never written to.
type Vars struct {
	partial cel.PartialActivation
	err     error // what kept them from being set up; every answer is it
}

// values resolves names for the library.
type values struct {
	request    *Request
	facts      factsView
	resource   resourceView
	requester  principalView
	onBehalfOf []principalView
	data       dataView
	sink       sinkView
	preview    previewView
	indMax     int
	unknown    []*cel.AttributePatternType
}

type (
	factsView struct {
		Tool      string       `cel:"tool"`
		Verbs     []string     `cel:"verbs"`
		Objects   []objectView `cel:"objects"`
		Exports   bool         `cel:"exports"`
		Certainty string       `cel:"certainty"`
	}
	objectView struct {
		Name    string   `cel:"name"`
		Verb    string   `cel:"verb"`
		Classes []string `cel:"classes"`
	}
	resourceView struct {
		Name        string   `cel:"name"`
		Environment string   `cel:"environment"`
		Regions     []string `cel:"regions"`
		DataClasses []string `cel:"data_classes"`
		Owners      []string `cel:"owners"`
	}
	principalView struct {
		Kind    string `cel:"kind"`
		ID      string `cel:"id"`
		Name    string `cel:"name"`
		Owner   string `cel:"owner"`
		Issuer  string `cel:"issuer"`
		Subject string `cel:"subject"`
	}
	previewView struct {
		Rows  int64 `cel:"rows"`
		Bytes int64 `cel:"bytes"`
	}
	dataView struct {
		Classes []string `cel:"classes"`
	}
	sinkView struct {
		Address string `cel:"address"`
		Region  string `cel:"region"`
	}
)

// NewVars returns the variables of the request. Unknown are: facts that are not
// known for certain, an indicator that was possibly found and no other, the
// region of a sink that nobody declared, the preview before it has run, and
// every list too long to look at.
func NewVars(r Request) *Vars {
	v := &values{
		request:    &r,
		resource:   resourceView{r.Resource.Name, r.Resource.Environment, r.Resource.Regions, r.Resource.DataClasses, r.Resource.Owners},
		requester:  principal(r.Requester),
		onBehalfOf: make([]principalView, 0, len(r.OnBehalfOf)),
		data:       dataView{r.Classes},
	}
	for _, p := range r.OnBehalfOf {
		v.onBehalfOf = append(v.onBehalfOf, principal(p))
	}
	v.setFacts()
	v.setSink()
	v.setIndicators()
	if r.Preview == nil {
		v.mark("preview", "")
	} else {
		v.preview = previewView{r.Preview.Rows, r.Preview.Bytes}
	}
	v.markLong("resource", "regions", len(r.Resource.Regions), maxItems)
	v.markLong("resource", "data_classes", len(r.Resource.DataClasses), maxItems)
	v.markLong("resource", "owners", len(r.Resource.Owners), maxItems)
	v.markLong("on_behalf_of", "", len(r.OnBehalfOf), maxItems)
	partial, err := cel.PartialVars(v, v.unknown...)
	return &Vars{partial, err}
}

func (v *values) setFacts() {
	f := v.request.Facts
	v.facts = factsView{Tool: f.Tool, Verbs: f.Verbs, Exports: f.Exports, Certainty: string(f.Certainty)}
	certain := f.Certainty == countersign.Known
	sure, small := certain, len(f.Objects) <= maxObjects
	for _, o := range f.Objects {
		sure = sure && o.Certainty == countersign.Known
		small = small && len(o.Classes) <= maxItems
	}
	if sure && small {
		v.facts.Objects = make([]objectView, 0, len(f.Objects))
		for _, o := range f.Objects {
			v.facts.Objects = append(v.facts.Objects, objectView{o.Name, o.Verb, o.Classes})
		}
	} else {
		v.mark("facts", "objects")
	}
	if !certain {
		v.mark("facts", "verbs")
		v.mark("facts", "exports")
		v.mark("data", "classes")
		return
	}
	v.markLong("facts", "verbs", len(f.Verbs), maxItems)
	v.markLong("data", "classes", len(v.data.Classes), maxItems)
}

func (v *values) setSink() {
	v.sink.Region = v.request.AgentRegion
	if to := v.request.Facts.Sink; to != nil {
		v.sink = sinkView{to.Address, ""}
		if to.Certainty == countersign.Known {
			v.sink.Region = to.Region
		}
	}
	certain := v.request.Facts.Certainty == countersign.Known
	if to := v.request.Facts.Sink; !certain || to != nil && to.Address == "" {
		v.mark("sink", "address")
	}
	if !certain || v.sink.Region == "" {
		v.mark("sink", "region")
	}
}

// setIndicators makes unknown what was possibly found; ind_max is unknown as
// well where that would raise it.
func (v *values) setIndicators() {
	known, possible := countersign.Info, countersign.Info
	for _, ind := range v.request.Facts.Indicators {
		if ind.Certainty == countersign.Known {
			known = max(known, ind.Severity)
			continue
		}
		possible = max(possible, ind.Severity)
		if !v.found(ind.ID) {
			v.mark(indPrefix+ind.ID, "")
		}
	}
	v.indMax = int(known)
	if possible > known {
		v.mark(indMaxVariable, "")
	}
}

func (v *values) found(id string) bool {
	return slices.ContainsFunc(v.request.Facts.Indicators, func(ind countersign.Indicator) bool {
		return ind.ID == id && ind.Certainty == countersign.Known
	})
}

func (v *values) markLong(variable, field string, n, most int) {
	if n > most {
		v.mark(variable, field)
	}
}

func (v *values) mark(variable, field string) {
	pattern := cel.AttributePattern(variable)
	if field != "" {
		pattern = pattern.QualString(field)
	}
	v.unknown = append(v.unknown, pattern)
}

func principal(p countersign.Principal) principalView {
	return principalView{string(p.Kind), p.ID, p.Name, p.Owner, p.Issuer, p.Subject}
}

// ResolveName implements cel.Activation.
func (v *values) ResolveName(name string) (any, bool) {
	switch name {
	case "facts":
		return &v.facts, true
	case "resource":
		return &v.resource, true
	case "requester":
		return &v.requester, true
	case "on_behalf_of":
		return v.onBehalfOf, true
	case "data":
		return &v.data, true
	case "sink":
		return &v.sink, true
	case "preview":
		return &v.preview, true
	case "now":
		return v.request.Now, true
	case indMaxVariable:
		return v.indMax, true
	}
	if id, ok := strings.CutPrefix(name, indPrefix); ok {
		return v.found(id), true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (v *values) Parent() cel.Activation { return nil }
