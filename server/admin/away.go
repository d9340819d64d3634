package admin

import (
	"net/http"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/wire"
)

// setAway says for a person that they are away.
func (a *admin) setAway(r *http.Request) (client.MyAway, error) {
	in, err := body[client.NewAway](r)
	if err != nil {
		return client.MyAway{}, err
	}
	p, err := a.person(r)
	if err != nil {
		return client.MyAway{}, err
	}
	next := countersign.Away{From: in.From, Until: in.Until}
	if in.StandIn != "" {
		d, err := a.gate.Directory(r.Context())
		if err != nil {
			return client.MyAway{}, err
		}
		standIn, err := findPerson(d, in.StandIn)
		if err != nil {
			return client.MyAway{}, err
		}
		next.StandIn = standIn.ID
	}
	if err := a.gate.SetAway(r.Context(), who(r), p.ID, next, strings.TrimSpace(in.Reason)); err != nil {
		return client.MyAway{}, err
	}
	return a.away(r, p.ID)
}

func (a *admin) endAway(r *http.Request) (client.MyAway, error) {
	p, err := a.person(r)
	if err != nil {
		return client.MyAway{}, err
	}
	if err := a.gate.EndAway(r.Context(), who(r), p.ID); err != nil {
		return client.MyAway{}, err
	}
	return a.away(r, p.ID)
}

func (a *admin) away(r *http.Request, person string) (client.MyAway, error) {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return client.MyAway{}, err
	}
	return wire.MyAway(d, person), nil
}
