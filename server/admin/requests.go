package admin

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/server/wire"
)

// A Choice is a choice that the operator hands in for a person, which is what it
// is recorded as: by that person, over the socket, with no more than what a chat
// click is worth.
type Choice struct {
	client.Choice
	// As is the person, by id, subject or name.
	As string `json:"as"`
}

// A Resolution says what really became of a command of which nobody knew.
type Resolution struct {
	Execution string `json:"execution"` // "succeeded" or "failed"
	Reason    string `json:"reason"`
}

func (a *admin) decide(r *http.Request) (client.Request, error) {
	in, err := body[Choice](r)
	if err != nil {
		return client.Request{}, err
	}
	choice := countersign.Choice(in.Choice.Choice)
	if !slices.Contains([]countersign.Choice{countersign.Reject, countersign.Escalate}, choice) {
		return client.Request{}, &countersign.Error{
			Code: countersign.CodeAssuranceTooLow, Detail: fmt.Sprintf("nobody can %s over the socket: it is reject or escalate", choice),
			Hint: "approve in the console",
		}
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return client.Request{}, err
	}
	p, err := findPerson(d, in.As)
	if err != nil {
		return client.Request{}, err
	}
	decision := countersign.Decision{
		By: p.Principal(), Choice: choice, Reason: in.Reason, To: in.To,
		Assurance: countersign.Chat, Method: "socket", Channel: "cli", Solo: true,
	}
	if err := decision.Digest.UnmarshalText([]byte(in.Digest)); err != nil {
		return client.Request{}, bad("%v", err)
	}
	if err := decision.View.UnmarshalText([]byte(in.ViewDigest)); err != nil {
		return client.Request{}, bad("%v", err)
	}
	after, err := a.gate.Decide(r.Context(), gate.Decision{Request: id(r), Decision: decision, Origin: origin(r)})
	return a.request(r, after, err)
}

func (a *admin) resolve(r *http.Request) (client.Request, error) {
	in, err := body[Resolution](r)
	if err != nil {
		return client.Request{}, err
	}
	after, err := a.gate.Resolve(r.Context(), id(r), who(r), countersign.ExecutionState(in.Execution), in.Reason)
	return a.request(r, after, err)
}

func (a *admin) request(r *http.Request, after countersign.Request, err error) (client.Request, error) {
	if err != nil {
		return client.Request{}, err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return client.Request{}, err
	}
	return wire.RequestFor(after, d, countersign.Operator()), nil
}

func id(r *http.Request) countersign.RequestID { return countersign.RequestID(r.PathValue("id")) }
