package audit

import (
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
)

// agent takes in what is known of an agent now. A person makes agents and issues
// tokens in their own name, the maker stays, and a known token only ever lets in
// less: else nobody could say who stands behind it.
func (p *people) agent(e countersign.Event, next countersign.Agent) error {
	old, known := p.agents[next.ID]
	p.agents[next.ID] = next
	by := e.Who.Actor
	person := by.Kind == countersign.KindPerson
	same := func(a, b countersign.Principal) bool { return a.Kind == b.Kind && a.ID == b.ID }
	switch {
	case person && !known && !same(next.CreatedBy, by):
		return fmt.Errorf("%s made %s and says that %s %s did", by.ID, next.ID, next.CreatedBy.Kind, next.CreatedBy.ID)
	case person && known && !same(next.CreatedBy, old.CreatedBy):
		return fmt.Errorf("%s was made by %s and is said to be by %s now", next.ID, old.CreatedBy.ID, next.CreatedBy.ID)
	}
	for _, t := range next.Tokens {
		i := slices.IndexFunc(old.Tokens, func(o countersign.Token) bool { return o.ID == t.ID })
		switch {
		case i < 0 && person && !same(t.IssuedBy, by):
			return fmt.Errorf("%s issued %s and says that %s %s did", by.ID, t.ID, t.IssuedBy.Kind, t.IssuedBy.ID)
		case i >= 0 && becomesAnother(old.Tokens[i], t):
			return fmt.Errorf("the token %s became another, or lets in more", t.ID)
		}
	}
	return nil
}

func becomesAnother(was, now countersign.Token) bool {
	return now.Hash != was.Hash || now.IssuedBy != was.IssuedBy || !now.IssuedAt.Equal(was.IssuedAt) ||
		now.Expires.After(was.Expires) || was.Revoked && !now.Revoked
}
