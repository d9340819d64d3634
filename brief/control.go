package brief

import (
	"strings"

	"github.com/countersignhq/countersign"
)

// changes lays out what a change of the control plane adds and takes away, part
// by part. The gate found it when the change was asked for, against the version
// that the command names; it stands on record with the request.
func (c *Command) changes(cmd countersign.Control, found []countersign.Difference, v veil) (layout, []string) {
	var l layout
	c.End.Bytes = len(cmd.Body)
	if c.AsSent = v.asSent(string(cmd.Body)); len(cmd.Body) > MostShown {
		c.AsSent = headAndTail(cmd.Body, v.find(string(cmd.Body)))
	}
	unshown := []string{"This view does not show every line that changes, so it cannot be approved."}
	for _, part := range found {
		if l.add("", Line{Value: v.inline(part.Of).strong()}) != nil {
			return l, unshown
		}
		for n, line := range part.Lines {
			if l.add("", Line{Number: n + 1, Value: changed(line, v)}) != nil {
				return l, unshown
			}
		}
	}
	for _, line := range l.lines {
		c.End.Hidden += line.Value.hides()
	}
	if len(found) == 0 {
		l.lines, l.where = []Line{{Value: quiet("nothing that this version can tell changes")}}, []string{""}
		return l, unshown
	}
	c.End.Shown = true
	return l, nil
}

// changed is one line of a difference: what is added or taken away stands out.
func changed(line string, v veil) Text {
	if line == "" || strings.ContainsRune(" @\\", rune(line[0])) {
		return quietened(v.inline(line))
	}
	return v.inline(line).strong()
}

func quietened(t Text) Text {
	for i, s := range t {
		if s.Role == Plain {
			t[i].Role = Quiet
		}
	}
	return t
}

// subject is what a change is of: "the policy", "the group dba".
func subject(cmd countersign.Control) Text {
	switch id := string(cmd.Entity); {
	case cmd.Entity == countersign.PolicyID:
		return say("the policy").strong()
	case strings.HasPrefix(id, "grp:"):
		return join(say("the group "), name(id[len("grp:"):]).strong())
	case strings.HasPrefix(id, "res:"):
		return join(say("the resource "), name(id[len("res:"):]).strong())
	case strings.HasPrefix(id, "halt:"):
		return join(say("the hold of everything of "), name(id[len("halt:"):]).strong())
	default:
		body, _ := cmd.Event()
		switch b := body.(type) {
		case countersign.PersonChanged:
			return join(say("the person "), name(b.Person.Name).strong())
		case countersign.AgentChanged:
			return join(say("the agent "), name(b.Agent.Name).strong())
		}
		return name(id).strong()
	}
}

// adds reports whether the change makes what it is of.
func adds(cmd countersign.Control) bool {
	return cmd.From == 0 && cmd.Entity != countersign.PolicyID
}

// changing is "change the policy" in a form of the verb.
func changing(cmd countersign.Control, f form) Text {
	verb := [4]string{"change", "changing", "changed", "changed"}
	if adds(cmd) {
		verb = [4]string{"add", "adding", "added", "added"}
	}
	return join(say(verb[f]+" "), subject(cmd))
}
