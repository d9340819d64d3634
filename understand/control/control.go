// Package control says what a change of the control plane would do: which part
// of it changes, and every line that is added or taken away. Understand is all
// there is to call.
package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand"
)

// Version names this understanding in verdicts.
const Version = "control/2"

// Understand returns the facts of a change against the directory that it was
// made for. A body that this version cannot read is unknown.
func Understand(c countersign.Control, d *countersign.Directory) countersign.Facts {
	body, err := c.Event()
	verb := c.BodyKind.Verb()
	if err != nil || verb == "" {
		return countersign.Facts{Certainty: countersign.Unknown, Classes: []string{"unlabelled"}, Understanding: Version}
	}
	return countersign.Facts{
		Tool: strings.TrimPrefix(verb, "control."), Verbs: []string{verb}, Certainty: countersign.Known, Understanding: Version,
		Objects: []countersign.Object{{Name: string(c.Entity), Verb: verb, Certainty: countersign.Known}},
		Changes: differences(body, d),
		Indicators: []countersign.Indicator{
			understand.Found("control.change", fmt.Sprintf("version %d of %s", c.From+1, c.Entity), "", "record", countersign.Known),
		},
	}
}

func differences(b countersign.Body, d *countersign.Directory) []countersign.Difference {
	switch b := b.(type) {
	case countersign.PolicyChanged:
		old := map[string]string{}
		if d.Policy != nil {
			old = d.Policy.Files
		}
		return files(old, b.Files)
	case countersign.PersonChanged:
		return part("person "+b.Person.Name, person(d.People[b.Person.ID], d), person(b.Person, d))
	case countersign.GroupChanged:
		return part("group "+b.Group.Name, group(d.Groups[b.Group.Name], d), group(b.Group, d))
	case countersign.AgentChanged:
		return part("agent "+b.Agent.Name, agent(d.Agents[b.Agent.ID], d), agent(b.Agent, d))
	case countersign.HaltChanged:
		return part("hold of everything of "+halted(b.Halt.Agent, d), halt(d.Halts[b.Halt.Agent]), halt(b.Halt))
	case countersign.ResourceChanged:
		next := resource(b.Resource)
		if b.Removed {
			next = nil
		}
		return part("resource "+b.Resource.Name, resource(d.Resources[b.Resource.Name]), next)
	}
	return nil
}

// files are the differences of two bundles, file by file.
func files(old, next map[string]string) []countersign.Difference {
	both := maps.Clone(next)
	maps.Copy(both, old)
	var all []countersign.Difference
	for _, name := range slices.Sorted(maps.Keys(both)) {
		if lines := unified(old[name], next[name]); len(lines) > 0 {
			all = append(all, countersign.Difference{Of: said(name, old, next), Lines: lines})
		} else if _, kept := next[name]; !kept || !has(old, name) {
			all = append(all, countersign.Difference{Of: said(name, old, next), Lines: []string{}})
		}
	}
	return all
}

func has(files map[string]string, name string) bool { _, ok := files[name]; return ok }

// said is the file's name, and that it is new or gone.
func said(name string, old, next map[string]string) string {
	switch {
	case !has(old, name):
		return name + ", new"
	case !has(next, name):
		return name + ", taken away"
	}
	return name
}

// unified is the body of a unified diff, without the names of files.
func unified(old, next string) []string {
	text := diff.Diff("a", []byte(old), "b", []byte(next))
	var lines []string
	header := true
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if header {
			header = !strings.HasPrefix(line, "@@")
			if header {
				continue
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// part is the difference of two lists of properties: all of one that is new, and
// of a known one what changes.
func part(of string, old, next []string) []countersign.Difference {
	var lines []string
	for _, l := range old {
		if !slices.Contains(next, l) {
			lines = append(lines, "-"+l)
		}
	}
	for _, l := range next {
		if !slices.Contains(old, l) {
			lines = append(lines, "+"+l)
		}
	}
	switch {
	case len(old) == 0:
		of += ", new"
	case len(next) == 0:
		of += ", taken away"
	}
	return []countersign.Difference{{Of: of, Lines: lines}}
}
