package admin

import (
	"net/http"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

// A Group is a group with its members.
type Group struct {
	Name    string          `json:"name"`
	Members []client.Person `json:"members"`
	// Kept is true when the configuration keeps the members.
	Kept bool `json:"kept_by_configuration,omitempty"`
	// Pool is the group that a schedule selects the members of an on-call group from:
	// those are who is on duty now. Empty for other groups.
	Pool string `json:"pool,omitempty"`
}

// Members are who a group shall have, by id, subject or name.
type Members struct {
	Members []string `json:"members"`
}

func (a *admin) groups(r *http.Request) ([]Group, error) {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return nil, err
	}
	all := []Group{}
	for _, name := range sortedNames(d.Groups) {
		all = append(all, a.group(d, name))
	}
	return all, nil
}

func (a *admin) group(d *countersign.Directory, name string) Group {
	_, kept := a.cfg.Groups[name]
	g := Group{Name: name, Members: []client.Person{}, Kept: kept, Pool: d.Groups[name].Pool}
	for _, m := range d.Groups[name].Members {
		g.Members = append(g.Members, personOf(d, m.Person))
	}
	return g
}

func (a *admin) setGroup(r *http.Request) (Group, error) {
	name := r.PathValue("group")
	if err := checkName("a group", name); err != nil {
		return Group{}, err
	}
	in, err := body[Members](r)
	if err != nil {
		return Group{}, err
	}
	if _, kept := a.cfg.Groups[name]; kept {
		return Group{}, keptByConfiguration(name, "change them there")
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return Group{}, err
	}
	var ids []string
	for _, called := range in.Members {
		p, err := findPerson(d, called)
		if err != nil {
			return Group{}, err
		}
		ids = append(ids, p.ID)
	}
	if err := a.gate.SetGroup(r.Context(), who(r), name, ids); err != nil {
		return Group{}, err
	}
	if d, err = a.gate.Directory(r.Context()); err != nil {
		return Group{}, err
	}
	return a.group(d, name), nil
}
