package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/store"
)

// Reveal records that a person has the secrets of a request's command shown to
// them, and why. Only after it may they be shown brief.Reveal, and approve it. It
// may come in every state, by a reviewer to whom the request was routed and who
// may decide it.
func (g *Gate) Reveal(ctx context.Context, id countersign.RequestID, by countersign.Principal, origin countersign.Origin, reason string) (countersign.Request, error) {
	if strings.TrimSpace(reason) == "" {
		return countersign.Request{}, &countersign.Error{Code: countersign.CodeReasonRequired, Detail: "to reveal a secret needs a reason", Hint: "say why in a sentence; it is on record"}
	}
	for {
		r, err := g.reveal(ctx, id, by, origin, reason)
		if !errors.Is(err, store.ErrConflict) {
			return r, err
		}
		// It moved at the same moment: look again.
	}
}

func (g *Gate) reveal(ctx context.Context, id countersign.RequestID, by countersign.Principal, origin countersign.Origin, reason string) (countersign.Request, error) {
	dir, err := g.Directory(ctx)
	if err != nil {
		return countersign.Request{}, err
	}
	r, err := g.Get(ctx, id)
	if err != nil {
		return r, err
	}
	if quorum.MayDecide(dir, r, by.ID) != nil {
		return countersign.Request{}, &countersign.Error{Code: countersign.CodeForbidden, Detail: fmt.Sprintf("only a reviewer to whom %s was routed has its secrets shown", id), Hint: "ask one of them"}
	}
	who := countersign.Who{Actor: dir.People[by.ID].Principal(), Origin: origin}
	const command = 1 // the version of the event that carries it
	shown := step(who, r.Decision, r.Execution, countersign.Revealed{Event: command, Reason: reason})
	r, _, err = g.record(ctx, r, change{events: []countersign.Event{shown}, seen: dir})
	return r, unavailable(err)
}

// unseen refuses an approval of what the person was not shown, or not whole. The
// view with the secrets counts for those alone to whom they were revealed, and
// not for a click in a chat, where they would have no business.
func unseen(dir *countersign.Directory, r countersign.Request, d Decision) *countersign.Error {
	b := brief.Build(r, dir)
	if b.Command.End.Redacted > 0 {
		if d.View == b.Digest() || !r.RevealedTo(d.By.ID) {
			return &countersign.Error{Code: countersign.CodeCannotApprove, Detail: "this view hides a secret, so it cannot be approved", Hint: "reveal it, with a reason, and read the command; or reject it"}
		}
		if b = brief.Reveal(r, dir); !d.Assurance.Meets(countersign.Session) {
			return &countersign.Error{Code: countersign.CodeAssuranceTooLow, Detail: "a revealed command is approved with a session or a passkey", Hint: "open the request in the console"}
		}
	}
	switch {
	case !b.Approvable:
		return &countersign.Error{Code: countersign.CodeCannotApprove, Detail: "this view does not show every byte, so it cannot be approved", Hint: "reject it"}
	case d.View != b.Digest():
		return &countersign.Error{Code: countersign.CodeViewChanged, Detail: "what you were shown is not what is there now", Hint: "open the request again and read it"}
	}
	return nil
}
