package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// Limits on what a browser sends, in bytes. An assertion is kept with its event.
const (
	maxClientData = 4 << 10
	maxAuthData   = 1 << 10
	maxSignature  = 1 << 10
)

// Ceremony returns what the person would sign to decide the request so, now, and
// the passkeys that may sign it. It refuses what Decide would refuse however it
// is signed; nothing of that is recorded. nonce is 32 random bytes, used once.
func (g *Gate) Ceremony(ctx context.Context, id countersign.RequestID, by countersign.Principal, choice countersign.Choice, view countersign.Digest, nonce []byte) (ledger.Ceremony, []countersign.Credential, error) {
	for {
		c, keys, err := g.ceremony(ctx, id, by, choice, view, nonce)
		if !errors.Is(err, store.ErrConflict) {
			return c, keys, err
		}
	}
}

func (g *Gate) ceremony(ctx context.Context, id countersign.RequestID, by countersign.Principal, choice countersign.Choice, view countersign.Digest, nonce []byte) (ledger.Ceremony, []countersign.Credential, error) {
	dir, r, err := g.deciding(ctx, id, by.ID)
	if err != nil {
		return ledger.Ceremony{}, nil, err
	}
	d := Decision{Request: id, Decision: countersign.Decision{
		By: dir.People[by.ID].Principal(), Choice: choice, Digest: r.Digest, View: view, Assurance: countersign.Passkey,
	}}
	if err := settledAlready(r, d); err != nil {
		return ledger.Ceremony{}, nil, err
	}
	refused := quorum.MayDecide(dir, r, by.ID)
	if refused == nil {
		refused = g.check(dir, r, d)
	}
	if refused != nil {
		return ledger.Ceremony{}, nil, refused
	}
	c, first, err := g.toSign(ctx, r, d, nonce)
	if err != nil {
		return ledger.Ceremony{}, nil, err
	}
	var keys []countersign.Credential
	for _, key := range dir.CredentialsOf(by.ID) {
		refused, err := g.maySign(ctx, dir, r, by.ID, key.ID, first)
		if err != nil {
			return ledger.Ceremony{}, nil, err
		}
		if refused == nil {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return ledger.Ceremony{}, nil, &countersign.Error{Code: countersign.CodePasskeyInvalid,
			Detail: fmt.Sprintf("no passkey of %s counts for %s", d.By.Name, id),
			Hint:   "one counts only for what is asked after it was enrolled; ask another reviewer"}
	}
	return c, keys, nil
}

// maySign returns nil if the credential may sign the person's decision on the
// request, whose first leaf is first. The order of the log is what counts of two
// things at one moment: a receipt shows no other.
func (g *Gate) maySign(ctx context.Context, dir *countersign.Directory, r countersign.Request, person, credential string, first int64) (*countersign.Error, error) {
	if refused := quorum.MaySign(dir, r, person, credential); refused != nil {
		return refused, nil
	}
	entries, err := g.store.Events(ctx, countersign.CredentialID(credential))
	if err != nil {
		return nil, unavailable(err)
	}
	if entries[len(entries)-1].Index > first {
		return passkeyInvalid(fmt.Sprintf("the passkey was enrolled after %s was asked for", r.ID)), nil
	}
	return nil, nil
}

// toSign is the ceremony of a decision on the request as it stands, and the index
// of the request's first leaf.
func (g *Gate) toSign(ctx context.Context, r countersign.Request, d Decision, nonce []byte) (ledger.Ceremony, int64, error) {
	entries, err := g.store.Events(ctx, r.ID)
	if err != nil {
		return ledger.Ceremony{}, 0, unavailable(err)
	}
	if uint64(len(entries)) != r.Version {
		return ledger.Ceremony{}, 0, store.ErrConflict
	}
	for _, e := range slices.Backward(entries) {
		said, err := ledger.ParseLeaf(e.Leaf)
		if err != nil {
			return ledger.Ceremony{}, 0, unavailable(err)
		}
		if said.Event.Kind == countersign.KindHeld {
			return ledger.Ceremony{
				Nonce: nonce, Command: r.Digest, Choice: d.Choice, Request: r.ID, Held: ledger.LeafHash(e.Leaf),
				Policy: said.Event.Public.Policy, View: d.View, Approver: d.By.ID,
			}, entries[0].Index, nil
		}
	}
	return ledger.Ceremony{}, 0, &countersign.Error{Code: countersign.CodeConflict, Detail: fmt.Sprintf("%s is not held", r.ID), Hint: "there is nothing to decide"}
}

// signed returns the decision with what its signature is worth: passkey, if a
// passkey of the person that counts signed this very decision. What the browser
// says of its key and origin is not believed; the record's are used.
func (g *Gate) signed(ctx context.Context, dir *countersign.Directory, r countersign.Request, d Decision) (Decision, error) {
	if d.Assertion == nil {
		if d.Assurance != countersign.Passkey {
			return d, nil
		}
		d.Assurance = ""
		return d, passkeyInvalid("the decision says passkey and none signed it")
	}
	a := *d.Assertion
	d.Assurance, d.Assertion = "", nil
	if d.Choice == countersign.Escalate {
		return d, passkeyInvalid("an escalation is not signed")
	}
	if len(a.ClientData) > maxClientData || len(a.AuthData) > maxAuthData || len(a.Signature) > maxSignature {
		return d, passkeyInvalid("the assertion is too large to keep")
	}
	c, first, err := g.toSign(ctx, r, d, a.Nonce)
	if err != nil {
		return d, err
	}
	refused, err := g.maySign(ctx, dir, r, d.By.ID, a.Credential, first)
	if err != nil {
		return d, err
	}
	if refused != nil {
		return d, refused
	}
	key := dir.Credentials[a.Credential]
	a.Key, a.RPID, a.Origin = key.Key, key.RPID, key.Origin
	if err := ledger.CheckAssertion(a, c); err != nil {
		return d, passkeyInvalid("the passkey did not sign this decision: " + err.Error())
	}
	d.Assertion, d.Assurance, d.Method, d.Solo = &a, countersign.Passkey, "passkey", false
	return d, nil
}

func passkeyInvalid(detail string) *countersign.Error {
	return &countersign.Error{Code: countersign.CodePasskeyInvalid, Detail: detail, Hint: "open the request again and sign it anew"}
}
