package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
)

func bad(format string, args ...any) error {
	return &countersign.Error{Code: countersign.CodeBadRequest, Detail: fmt.Sprintf(format, args...)}
}

func notFound(hint, format string, args ...any) error {
	return &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf(format, args...), Hint: hint}
}

// findPerson finds a person by id, by the subject of a local one, or by a name
// that only one has.
func findPerson(d *countersign.Directory, called string) (countersign.Person, error) {
	if p, ok := d.People[called]; ok {
		return p, nil
	}
	var found []countersign.Person
	for _, p := range d.People {
		if p.Issuer == Local && p.Subject == called {
			return p, nil
		}
		if p.Name == called {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return countersign.Person{}, notFound("countersign person ls shows them", "there is no person %q", called)
	case 1:
		return found[0], nil
	}
	return countersign.Person{}, &countersign.Error{
		Code: countersign.CodeConflict, Detail: fmt.Sprintf("%d people are called %q", len(found), called),
		Hint: "give the id: countersign person ls",
	}
}

// findAgent finds an agent by id or by name.
func findAgent(d *countersign.Directory, called string) (countersign.Agent, error) {
	if a, ok := d.Agents[called]; ok {
		return a, nil
	}
	for _, a := range d.Agents {
		if a.Name == called {
			return a, nil
		}
	}
	return countersign.Agent{}, notFound("countersign agent ls shows them", "there is no agent %q", called)
}

// findOwner returns what an agent's owner is recorded as: a person's id or a
// group's name.
func findOwner(d *countersign.Directory, called string) (string, error) {
	if _, ok := d.Groups[called]; ok {
		return called, nil
	}
	p, err := findPerson(d, called)
	if err != nil {
		return "", notFound("every agent has an owner, a person or a group: countersign person add", "there is no person and no group %q", called)
	}
	return p.ID, nil
}

// memberIDs are the ids of a group's members.
func memberIDs(g countersign.Group) []string {
	var ids []string
	for _, m := range g.Members {
		ids = append(ids, m.Person)
	}
	return ids
}

// checkName refuses a name that could not stand in a command, a rule or an
// address.
func checkName(what, name string) error {
	const may = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	if name == "" || len(name) > 64 || strings.Trim(name, may) != "" {
		return &countersign.Error{
			Code: countersign.CodeBadRequest, Detail: fmt.Sprintf("%q cannot be the name of %s", name, what),
			Hint: "up to 64 letters, digits, dots, dashes and underscores",
		}
	}
	return nil
}

// sortedNames are the keys, sorted.
func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
