// Package mcptool says what one MCP request would do. The configuration is the
// operator's word on what a tool does; a tool's own definition is a claim, which
// may raise the risk and never lowers it. Understand is where to start; Strip
// and Pins prepare what it looks at.
package mcptool

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/understand"
)

// Version names what the facts were found by; a change in what is found changes it.
const Version = "mcptool/3"

const (
	toolsCall = "tools/call"
	read      = "mcp.read"
	unknown   = "mcp.unknown"
	// large is a size, in bytes, of params that is unusual.
	large = 64 << 10
	// unlabelled is the class of data of which nobody said what it is.
	unlabelled = "unlabelled"
)

// reads are the methods, apart from tools/call, that are known only to read. It
// is never written to.
var reads = []string{"completion/complete", "prompts/get", "resources/read"}

// callMembers are the params of tools/call that are understood; others, such as
// task, change what a call means. It is never written to.
var callMembers = []string{"_meta", "arguments", "name"}

// Understand finds the facts of a request. It depends on its arguments alone.
func Understand(c countersign.MCPRequest, r countersign.Resource, sinks []countersign.Sink, languages Languages) countersign.Facts {
	u := &understanding{sinks: sinks, languages: languages, facts: countersign.Facts{
		Tool: clip(c.Method), Verbs: []string{unknown}, Classes: classes(nil, r),
		Certainty: countersign.Known, Understanding: Version,
	}}
	if r.UnsafeSameUser {
		u.found("request.unsafe-same-user", r.Name, "", "catalogue", countersign.Known)
	}
	if !readable(c) {
		u.found("json.unreadable", "the params are not one JSON object that all read alike", "", "parser", countersign.Known)
		return u.facts
	}
	if len(c.Params) > large {
		u.found("mcp.large", fmt.Sprintf("%d bytes", len(c.Params)), "", "bytes", countersign.Known)
	}
	u.text(c.Params)
	name, names := Tool(c)
	switch {
	case names:
		u.call(name, c, r)
	case slices.Contains(reads, c.Method):
		u.facts.Verbs = []string{read}
	default:
		u.found("mcp.method-unknown", c.Method, "", "catalogue", countersign.Known)
	}
	return u.facts
}

// readable says whether the params are strict JSON and have the shape that
// everything below relies on: an object, and in a call a name and, if there are
// arguments, an object of them.
func readable(c countersign.MCPRequest) bool {
	if len(c.Params) == 0 {
		return c.Method != toolsCall
	}
	if canon.Check(c.Params) != nil || !isObject(c.Params) {
		return false
	}
	if c.Method != toolsCall {
		return true
	}
	arguments, given := canon.Member(c.Params, "arguments")
	_, named := Tool(c)
	return named && (!given || isObject(arguments))
}

func isObject(b []byte) bool {
	b, ok := canon.Member(b) // without the whitespace around it
	return ok && b[0] == '{'
}

// Tool returns the name of the tool that a tools/call names.
func Tool(c countersign.MCPRequest) (string, bool) {
	if c.Method != toolsCall || canon.Check(c.Params) != nil {
		return "", false
	}
	raw, ok := canon.Member(c.Params, "name")
	if !ok || raw[0] != '"' {
		return "", false
	}
	return decoded(raw), true
}

// understanding is one request's facts in the making.
type understanding struct {
	sinks     []countersign.Sink
	languages Languages
	facts     countersign.Facts
}

func (u *understanding) found(id, evidence, where, source string, c countersign.Certainty) {
	u.facts.Indicators = append(u.facts.Indicators, understand.Found(id, clip(evidence), clip(where), source, c))
}

func (u *understanding) call(name string, c countersign.MCPRequest, r countersign.Resource) {
	u.facts.Tool = clip(name)
	for member := range canon.Members(c.Params) {
		if !slices.Contains(callMembers, member) {
			u.facts.Certainty = countersign.Possible
			u.found("mcp.method-unknown", "tools/call with "+member, member, "parser", countersign.Known)
		}
	}
	declared := r.Tools[name]
	u.facts.Classes = classes(declared.Classes, r)
	switch {
	case declared.Understand != "":
		u.facts.Verbs = slices.Clone(declared.Verbs)
		u.reading(declared, c.Params, r)
	case len(declared.Verbs) > 0:
		u.facts.Verbs = slices.Clone(declared.Verbs)
	}
	u.definition(name, declared, r)
	if declared.Sink != "" {
		u.sink(declared.Sink, c.Params, r)
	}
	u.places(name, declared, c.Params, r)
}

// definition compares the tool's definition with its pin, and takes what it
// claims of itself for true where that is worse than what the operator said.
func (u *understanding) definition(name string, declared countersign.Tool, r countersign.Resource) {
	if len(declared.Verbs) == 0 && declared.Understand == "" {
		u.found("mcp.tool-unlisted", name, "name", "catalogue", countersign.Known)
	}
	if _, pinned := r.Pins[name]; !pinned {
		u.found("mcp.tool-unpinned", name, "name", "catalogue", countersign.Known)
	}
	if _, changed := r.Changed[name]; changed {
		u.found("mcp.tool-changed", name, "name", "catalogue", countersign.Known)
	}
	onlyReads := !understand.Mutates(u.facts.Verbs)
	claim, seen := r.Claims[name]
	switch {
	case claim.Destructive:
		u.found("mcp.tool-destructive", name, "name", "annotation", countersign.Known)
	case seen && !claim.Annotated && !onlyReads:
		u.found("mcp.tool-unannotated", name, "name", "catalogue", countersign.Known)
	}
}

// classes are the tool's own data classes, else the resource's, else unlabelled.
func classes(own []string, r countersign.Resource) []string {
	switch {
	case len(own) > 0:
		return slices.Clone(own)
	case len(r.DataClasses) > 0:
		return slices.Clone(r.DataClasses)
	}
	return []string{unlabelled}
}

// decoded is a string of a checked document.
func decoded(raw []byte) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func clip(s string) string { return understand.Clip(s) }
