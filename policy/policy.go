// Package policy judges requests by rules. [Load] reads a bundle of YAML files
// and refuses every word it does not know; [Policy.Decide] gives the verdict on
// one request, with what each rule made of it. docs/policy.md tells how rules
// are written, starter.yaml is one to begin with.
//
// The semantics are few and fixed. Every rule is evaluated and order means
// nothing: deny beats hold, hold beats allow, and what no rule speaks of is
// held. All holds that count are united into one requirement. What cannot be
// told counts as true for deny and hold and as false for allow.
package policy

import (
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/policy/expr"
	"github.com/countersignhq/countersign/understand"
)

//go:embed starter.yaml
var starter string

// StarterFile is the name that the starter policy is loaded under.
const StarterFile = "starter.yaml"

// Starter returns a policy that is safe to begin with, as the text of a file.
func Starter() []byte { return []byte(starter) }

// A Policy is a loaded bundle. It is never written to and may be used by many
// goroutines at once. A nil Policy holds everything, and nobody can approve it.
type Policy struct {
	digest   countersign.Digest
	rules    []rule // in the order of their ids
	defaults []defaults
	index    index
	hours    map[string]hours // the schedules by name
}

// Digest names the bundle: DigestOf of its files.
func (p *Policy) Digest() countersign.Digest {
	if p == nil {
		return countersign.Digest{}
	}
	return p.digest
}

// DigestOf returns the digest of the files of a bundle: SHA-256 over
// "countersign/policy/v1" 0x0A and, in the order of the names, each name and
// each text, both preceded by their length in bytes as a big-endian uint64.
func DigestOf(files map[string][]byte) countersign.Digest {
	h := sha256.New()
	h.Write([]byte("countersign/policy/v1\n"))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, part := range [][]byte{[]byte(name), files[name]} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			h.Write(part)
		}
	}
	return countersign.Digest(h.Sum(nil))
}

// DigestOfResource returns the digest of a resource as labelled: SHA-256 over
// "countersign/resource/v1" 0x0A and its canonical JSON. It fails on labels that
// have no canonical form, such as text that is not UTF-8.
func DigestOfResource(r countersign.Resource) (countersign.Digest, error) {
	b, err := canon.Marshal(r)
	if err != nil {
		return countersign.Digest{}, err
	}
	return sha256.Sum256(append([]byte("countersign/resource/v1\n"), b...)), nil
}

// A Catalogue is the words that rules may use besides those of the product.
type Catalogue struct {
	Environments []string
	Regions      []string
	Classes      []string // besides pii and unlabelled, which are always known
	Groups       []string
}

// The data classes that have a meaning of their own.
const (
	// PII is personal data.
	PII = "pii"
	// Unlabelled is data that nobody has labelled. No rule lets it through.
	Unlabelled = "unlabelled"
)

// CatalogueOf returns the words in use: the labels of resources and their tools,
// the regions of agents and sinks, the names of groups.
func CatalogueOf(d *countersign.Directory, sinks []countersign.Sink) Catalogue {
	var c Catalogue
	for _, r := range d.Resources {
		c.Environments = append(c.Environments, r.Environment)
		c.Regions = append(c.Regions, r.Regions...)
		c.Classes = append(c.Classes, r.DataClasses...)
		for _, t := range r.Tools {
			c.Classes = append(c.Classes, t.Classes...)
		}
		for _, t := range r.Tables {
			c.Classes = append(append(c.Classes, t.Classes...), slices.Collect(maps.Values(t.Columns))...)
		}
	}
	for _, a := range d.Agents {
		c.Regions = append(c.Regions, a.Region)
	}
	for _, s := range sinks {
		c.Regions = append(c.Regions, s.Region)
	}
	c.Groups = slices.Collect(maps.Keys(d.Groups))
	return Catalogue{sorted(c.Environments), sorted(c.Regions), sorted(c.Classes), sorted(c.Groups)}
}

// owners as a reviewer means the groups that own the resource.
const owners = "owners"

func boundNames() []string { return []string{"rows", "bytes", "seconds"} }

// words are the words that are known, by kind. A kind that is not there has any
// word.
type words map[string][]string

func (w words) have(kind, word string) bool {
	among, checked := w[kind]
	return !checked || slices.Contains(among, word)
}

// productWords are those that no configuration adds to.
func productWords() words {
	w := words{
		"effect":         {string(countersign.Allow), string(countersign.Hold), string(countersign.Deny)},
		"assurance":      {string(countersign.Chat), string(countersign.Session), string(countersign.Passkey)},
		"certainty":      {string(countersign.Known), string(countersign.Possible), string(countersign.Unknown)},
		"requester kind": {string(countersign.KindAgent), string(countersign.KindPerson), string(countersign.KindOperator), string(countersign.KindGateway)},
	}
	for _, v := range understand.Verbs() {
		w["verb"] = append(w["verb"], v.ID)
	}
	return w
}

func (c Catalogue) words() words {
	w := productWords()
	w["environment"] = sorted(c.Environments)
	w["region"] = sorted(c.Regions)
	w["data class"] = sorted(append([]string{PII, Unlabelled}, c.Classes...))
	w["group"] = append([]string{owners}, sorted(c.Groups)...)
	return w
}

// kindOf says what kind of word a field holds, empty where it is any text.
func kindOf(f expr.Field) string {
	switch f {
	case expr.Field{Of: "Resource", Name: "environment"}:
		return "environment"
	case expr.Field{Of: "Resource", Name: "regions"}, expr.Field{Of: "Sink", Name: "region"}:
		return "region"
	case expr.Field{Of: "Resource", Name: "data_classes"}, expr.Field{Of: "Data", Name: "classes"}, expr.Field{Of: "Object", Name: "classes"}:
		return "data class"
	case expr.Field{Of: "Facts", Name: "verbs"}, expr.Field{Of: "Object", Name: "verb"}:
		return "verb"
	case expr.Field{Of: "Resource", Name: "owners"}:
		return "group"
	case expr.Field{Of: "Facts", Name: "certainty"}:
		return "certainty"
	case expr.Field{Of: "Principal", Name: "kind"}:
		return "requester kind"
	}
	return ""
}

// sorted returns the words sorted, each once, without the empty one.
func sorted(words []string) []string {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" })
	slices.Sort(words)
	return slices.Compact(words)
}

// An Input is everything a verdict depends on besides the policy.
type Input struct {
	Facts      countersign.Facts
	Resource   countersign.Resource
	Requester  countersign.Principal
	OnBehalfOf []countersign.Principal
	// AgentRegion is the region that the requester declares, which a result
	// enters; empty is unknown.
	AgentRegion string
	Now         time.Time
	// Catalogue is DigestOfResource of Resource. Zero has it computed, which takes
	// a few microseconds for every tool of the resource.
	Catalogue countersign.Digest
	// Enforces are the names of the bounds that whoever runs the command keeps.
	// A rule that asks for any other refuses approval.
	Enforces []string
	// Doubt says why no rule may let the request through without a person, such
	// as an earlier one whose outcome is unknown. Empty: nothing stands against it.
	Doubt string
	// Stopped says why everything of the requester is held, by whoever stopped it.
	// Empty: nothing of it is.
	Stopped string
}

// classes returns the classes of the data that the command touches. Where no
// object says, it is the resource's; where nobody says, it is unlabelled.
func (in Input) classes() []string {
	f := in.Facts
	switch {
	case len(f.Classes) > 0:
		return f.Classes
	case len(f.Objects) > 0 && f.Certainty == countersign.Known:
		return nil
	case len(f.Objects) == 0 && len(in.Resource.DataClasses) > 0:
		return in.Resource.DataClasses
	default:
		return append(slices.Clone(in.Resource.DataClasses), Unlabelled)
	}
}

// catalogue returns the digest of the resource as labelled.
func (in Input) catalogue() (countersign.Digest, error) {
	if !in.Catalogue.IsZero() {
		return in.Catalogue, nil
	}
	return DigestOfResource(in.Resource)
}

func (in Input) vars(preview *countersign.Preview) *expr.Vars {
	return expr.NewVars(expr.Request{
		Facts: in.Facts, Classes: in.classes(), Resource: in.Resource, Requester: in.Requester,
		OnBehalfOf: in.OnBehalfOf, AgentRegion: in.AgentRegion, Now: in.Now, Preview: preview,
	})
}
