package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

// A GivenUp is something that no try could get into a chat, or out of it.
type GivenUp struct {
	Kind  string    `json:"kind"` // "cards", "reminders", "notices", "inbox"
	Key   string    `json:"key"`  // the request's id, or what a delivery is called
	Since time.Time `json:"since"`
	Tries int       `json:"tries"`
	Why   string    `json:"why"` // the last error
}

// GivenUps is all of it, the oldest first, at most 1000.
type GivenUps struct {
	GivenUp []GivenUp `json:"given_up"`
}

// Retried says how much is tried again.
type Retried struct {
	Retried int `json:"retried"`
}

func (a *admin) givenUp(r *http.Request) (GivenUps, error) {
	if a.cfg.GivenUp == nil {
		return GivenUps{GivenUp: []GivenUp{}}, nil
	}
	list, err := a.cfg.GivenUp(r.Context())
	return GivenUps{GivenUp: list}, err
}

func (a *admin) retry(r *http.Request) (Retried, error) {
	if a.cfg.Retry == nil {
		return Retried{}, nil
	}
	n, err := a.cfg.Retry(r.Context())
	return Retried{Retried: n}, err
}

// An Unlinking names accounts of a person's: all of one chat, or one of them.
type Unlinking struct {
	Chat    string `json:"chat"`
	Account string `json:"account,omitempty"`
	Because string `json:"because,omitempty"`
}

// unlink breaks links of a person; each is an event of the operator's.
func (a *admin) unlink(r *http.Request) (client.Links, error) {
	out := client.Links{Links: []client.Link{}}
	in, err := body[Unlinking](r)
	if err != nil {
		return out, err
	}
	p, err := a.person(r)
	if err != nil {
		return out, err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return out, err
	}
	for _, l := range d.LinksOf(p.ID) {
		if l.Chat != in.Chat || in.Account != "" && l.Account != in.Account {
			continue
		}
		if err := a.gate.Unlink(r.Context(), who(r), l.ID(), cmp.Or(in.Because, "by the operator")); err != nil {
			return out, err
		}
		out.Links = append(out.Links, client.Link{Chat: l.Chat, Workspace: l.Workspace, Account: l.Account, Name: l.Name, Since: l.Since})
	}
	if len(out.Links) == 0 {
		which := "no " + in.Chat + " account"
		if in.Account != "" {
			which = fmt.Sprintf("no %s account %q", in.Chat, in.Account)
		}
		return out, &countersign.Error{Code: countersign.CodeNotFound, Detail: p.Name + " has " + which, Hint: "nothing is linked to unlink"}
	}
	return out, nil
}
