package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/nearest"
	"github.com/countersignhq/countersign/server/wire"
)

// Local is the issuer of the people that the operator adds.
const Local = "local"

// A NewPerson is a person to add.
type NewPerson struct {
	Name string `json:"name"`
	// Subject is what the configuration's groups call them: "local|bob" is bob.
	// Defaults to Name.
	Subject string   `json:"subject,omitempty"`
	Groups  []string `json:"groups,omitempty"`
}

// A Linked is a person with a sign-in link that works once.
type Linked struct {
	Person client.Person `json:"person"`
	// URL is empty where this server makes no links.
	URL string `json:"url,omitempty"`
}

func (a *admin) addPerson(r *http.Request) (Linked, error) {
	in, err := body[NewPerson](r)
	if err != nil {
		return Linked{}, err
	}
	p := countersign.Person{
		ID: countersign.NewID("per"), Name: strings.TrimSpace(in.Name), Issuer: Local, Subject: strings.TrimSpace(in.Subject),
	}
	if p.Subject == "" {
		p.Subject = p.Name
	}
	if p.Name == "" || len(p.Name) > 200 || strings.ContainsAny(p.Subject, "|\n") {
		return Linked{}, bad("a person has a name of at most 200 bytes, and a subject without |")
	}
	groups, err := a.groupsOf(r.Context(), p, in.Groups)
	if err != nil {
		return Linked{}, err
	}
	if p, err = a.gate.SetPerson(r.Context(), who(r), p); err != nil {
		return Linked{}, withoutGroups(err, groups)
	}
	for _, name := range groups {
		if err := a.join(r, name, p.ID); err != nil {
			return Linked{}, err
		}
	}
	return a.linked(r.Context(), p.ID)
}

// withoutGroups says of a person who waits to be let in that their groups do not.
func withoutGroups(err error, groups []string) error {
	held, ok := errors.AsType[*gate.HeldError](err)
	if !ok || len(groups) == 0 {
		return err
	}
	return fmt.Errorf("%w: %w", &countersign.Error{
		Code: countersign.CodePending, Detail: fmt.Sprintf("%s waits for people with passkeys; nothing has changed yet", held.Request.ID),
		Hint: "once it is approved, countersign group set brings them into " + strings.Join(groups, ", "),
	}, held)
}

// groupsOf are the groups that a new person comes into: those asked for, and
// those in which the configuration lists them.
func (a *admin) groupsOf(ctx context.Context, p countersign.Person, asked []string) ([]string, error) {
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return nil, err
	}
	member := p.Issuer + "|" + p.Subject
	groups := slices.Clone(asked)
	for _, name := range asked {
		if kept, ok := a.cfg.Groups[name]; ok && !slices.Contains(kept, member) {
			return nil, keptByConfiguration(name, fmt.Sprintf("add %q there", member))
		}
		if _, ok := d.Groups[name]; !ok {
			return nil, noGroup(d, name)
		}
	}
	for name, kept := range a.cfg.Groups {
		if slices.Contains(kept, member) {
			groups = append(groups, name)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups), nil
}

func noGroup(d *countersign.Directory, name string) error {
	hint := "countersign group set " + name + " makes it"
	if near, ok := nearest.To(name, sortedNames(d.Groups)); ok {
		hint = "did you mean " + near + "?"
	}
	return &countersign.Error{Code: countersign.CodeUnknownGroup, Detail: fmt.Sprintf("there is no group %q", name), Hint: hint}
}

func keptByConfiguration(group, what string) error {
	return &countersign.Error{
		Code: countersign.CodeConflict, Detail: fmt.Sprintf("the members of %s stand in the configuration", group),
		Hint: what + " and start the server again",
	}
}

func (a *admin) join(r *http.Request, group, person string) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	return a.gate.SetGroup(r.Context(), who(r), group, append(memberIDs(d.Groups[group]), person))
}

// linked is the person with a new sign-in link.
func (a *admin) linked(ctx context.Context, id string) (Linked, error) {
	var out Linked
	if a.cfg.Link != nil {
		url, err := a.cfg.Link(ctx, id)
		if err != nil {
			return out, err
		}
		out.URL = url
	}
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return out, err
	}
	out.Person = personOf(d, id)
	return out, nil
}

func personOf(d *countersign.Directory, id string) client.Person {
	for _, p := range wire.People(d) {
		if p.ID == id {
			return p
		}
	}
	return client.Person{ID: id}
}

// passkeys is the person with their passkeys.
func (a *admin) passkeys(r *http.Request) (client.Person, error) {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return client.Person{}, err
	}
	p, err := findPerson(d, r.PathValue("person"))
	return personOf(d, p.ID), err
}

func (a *admin) link(r *http.Request) (Linked, error) {
	p, err := a.person(r)
	if err != nil {
		return Linked{}, err
	}
	if p.Inactive {
		return Linked{}, &countersign.Error{Code: countersign.CodeForbidden, Detail: p.Name + " is deactivated", Hint: "countersign person activate " + p.Subject}
	}
	if a.cfg.Link == nil {
		return Linked{}, &countersign.Error{Code: countersign.CodeUnavailable, Detail: "this server makes no sign-in links"}
	}
	return a.linked(r.Context(), p.ID)
}

func (a *admin) person(r *http.Request) (countersign.Person, error) {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return countersign.Person{}, err
	}
	return findPerson(d, r.PathValue("person"))
}

func (a *admin) activate(r *http.Request) (client.Person, error) {
	return a.setPerson(r, func(p *countersign.Person) { p.Inactive = false })
}

// deactivate ends the person's sessions and links at once: their approvals that
// have not yet been executed are void from now on.
func (a *admin) deactivate(r *http.Request) (client.Person, error) {
	p, err := a.setPerson(r, func(p *countersign.Person) { p.Inactive = true })
	if err != nil {
		return p, err
	}
	return p, a.store.Ephemeral().DropSubject(r.Context(), p.ID)
}

// confirm has the operator stand for the person's passkeys, those excepted that
// the operator stands for already.
func (a *admin) confirm(r *http.Request) (client.Person, error) {
	p, err := a.person(r)
	if err != nil {
		return client.Person{}, err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return client.Person{}, err
	}
	confirmed := 0
	for _, c := range d.CredentialsOf(p.ID) {
		if slices.Contains(c.VouchedBy, countersign.Operator().ID) {
			continue
		}
		if err := a.gate.ConfirmCredential(r.Context(), who(r), c.ID); err != nil {
			return client.Person{}, err
		}
		confirmed++
	}
	if confirmed == 0 {
		return client.Person{}, &countersign.Error{
			Code: countersign.CodeNotFound, Detail: p.Name + " has no passkey that the operator does not stand for already",
			Hint: "countersign person passkeys shows them",
		}
	}
	return personOf(d, p.ID), nil
}

func (a *admin) setPerson(r *http.Request, change func(*countersign.Person)) (client.Person, error) {
	p, err := a.person(r)
	if err != nil {
		return client.Person{}, err
	}
	change(&p)
	if _, err := a.gate.SetPerson(r.Context(), who(r), p); err != nil {
		return client.Person{}, err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return client.Person{}, err
	}
	return personOf(d, p.ID), nil
}
