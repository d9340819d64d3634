// Package mcptool says what one MCP request would do. The configuration is the
// operator's word on what a tool does; a tool's own definition is a claim, which
// may raise the risk and never lowers it. Understand is where to start.
package mcptool

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/understand"
)

// Version names what the facts were found by; a change in what is found changes it.
const Version = "mcptool/1"

const (
	read    = "mcp.read"
	unknown = "mcp.unknown"
	// large is a size, in bytes, of params that is unusual.
	large = 64 << 10
	// unlabelled is the class of data of which nobody said what it is.
	unlabelled = "unlabelled"
)

// reads are the methods, apart from tools/call, that are known only to read.
var reads = []string{"completion/complete", "prompts/get", "resources/read"}

// Understand finds the facts of a request. It is pure.
func Understand(c countersign.MCPRequest, r countersign.Resource, sinks []countersign.Sink) countersign.Facts {
	u := &understanding{facts: countersign.Facts{
		Tool: c.Method, Classes: classes(nil, r), Certainty: countersign.Known, Understanding: Version,
	}}
	if r.UnsafeSameUser {
		u.found("request.unsafe-same-user", r.Name, "", "catalogue", countersign.Known)
	}
	if len(c.Params) > 0 && canon.Check(c.Params) != nil {
		u.facts.Verbs = []string{unknown}
		u.found("json.unreadable", "params", "", "parser", countersign.Known)
		return u.facts
	}
	if len(c.Params) > large {
		u.found("mcp.large", fmt.Sprintf("%d bytes", len(c.Params)), "", "bytes", countersign.Known)
	}
	u.text(c.Params)
	name, isCall := Tool(c)
	switch {
	case isCall:
		u.tool(name, c, r, sinks)
	case slices.Contains(reads, c.Method):
		u.facts.Verbs = []string{read}
	default:
		u.facts.Verbs = []string{unknown}
		u.found("mcp.method-unknown", c.Method, "", "catalogue", countersign.Known)
	}
	return u.facts
}

// Tool returns the name of the tool that a tools/call names.
func Tool(c countersign.MCPRequest) (string, bool) {
	if c.Method != "tools/call" || canon.Check(c.Params) != nil {
		return "", false
	}
	raw, ok := canon.Member(c.Params, "name")
	var name string
	if !ok || json.Unmarshal(raw, &name) != nil {
		return "", false
	}
	return name, true
}

// understanding is one request's facts in the making.
type understanding struct{ facts countersign.Facts }

func (u *understanding) found(id, evidence, where, source string, c countersign.Certainty) {
	u.facts.Indicators = append(u.facts.Indicators, understand.Found(id, evidence, where, source, c))
}

func (u *understanding) tool(name string, c countersign.MCPRequest, r countersign.Resource, sinks []countersign.Sink) {
	u.facts.Tool = name
	declared, listed := r.Tools[name]
	u.definition(name, listed, r)
	if !listed {
		u.facts.Verbs = []string{unknown}
		u.found("mcp.tool-unlisted", name, "name", "catalogue", countersign.Known)
		return
	}
	u.facts.Verbs = slices.Clone(declared.Verbs)
	u.facts.Classes = classes(declared.Classes, r)
	if declared.Sink != "" {
		u.sink(declared.Sink, c.Params, r, sinks)
	}
}

// definition compares the tool's definition with its pin, and takes what it
// claims for what it is.
func (u *understanding) definition(name string, listed bool, r countersign.Resource) {
	if _, pinned := r.Pins[name]; !pinned {
		u.found("mcp.tool-unpinned", name, "name", "catalogue", countersign.Known)
	}
	if _, changed := r.Changed[name]; changed {
		u.found("mcp.tool-changed", name, "name", "catalogue", countersign.Known)
	}
	claim, seen := r.Claims[name]
	switch {
	case claim.Destructive:
		u.found("mcp.tool-destructive", name, "name", "annotation", countersign.Known)
	case seen && !claim.Annotated && !listed:
		u.found("mcp.tool-unannotated", name, "name", "annotation", countersign.Known)
	}
}

// sink finds where the data goes, by the argument that says so.
func (u *understanding) sink(argument string, params []byte, r countersign.Resource, sinks []countersign.Sink) {
	where := "arguments." + argument
	u.facts.Exports = true
	u.facts.Sink = &countersign.Destination{Certainty: countersign.Unknown}
	raw, ok := canon.Member(params, append([]string{"arguments"}, strings.Split(argument, ".")...)...)
	var address string
	if !ok || json.Unmarshal(raw, &address) != nil {
		u.found("data.sink-unknown", "no "+argument, where, "catalogue", countersign.Known)
		return
	}
	u.facts.Sink.Address = address
	for _, s := range sinks {
		if matches(s.Match, address) {
			u.facts.Sink.Region, u.facts.Sink.Certainty = s.Region, countersign.Known
			break
		}
	}
	switch region := u.facts.Sink.Region; {
	case u.facts.Sink.Certainty != countersign.Known:
		u.found("data.sink-unknown", address, where, "catalogue", countersign.Known)
	case !slices.Contains(r.Regions, region):
		u.found("data.leaves-region", fmt.Sprintf("to %s, %s", address, region), where, "catalogue", countersign.Known)
	}
}

// matches reports whether the address matches the pattern, in which * stands for
// anything, slashes included.
func matches(pattern, address string) bool {
	const slash = "\x00" // path.Match does not let * cross a slash
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", slash), strings.ReplaceAll(address, "/", slash))
	return err == nil && ok
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
