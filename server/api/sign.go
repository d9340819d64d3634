package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/identity/passkey"
	"github.com/countersignhq/countersign/internal/canon"
)

// challenge answers what the caller's passkey signs to decide the request so.
func (a *api) challenge(w http.ResponseWriter, r *http.Request, c caller) error {
	keys, err := a.passkeys()
	if err != nil {
		return err
	}
	var in client.Choice
	if err := body(w, r, maxBody, &in); err != nil {
		return err
	}
	d, err := a.choice(r, c, in)
	if err != nil {
		return err
	}
	found, _, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if d.Digest != found.Digest {
		return &countersign.Error{Code: countersign.CodeDigestMismatch, Detail: fmt.Sprintf("the choice is about another command than %s", found.ID), Hint: "open the request again and read it"}
	}
	nonce := passkey.Nonce()
	ceremony, mine, err := a.gate.Ceremony(r.Context(), found.ID, c.Principal, d.Choice, d.View, nonce)
	if err != nil {
		return err
	}
	options, err := keys.BeginDecision(r.Context(), passkey.Signing{Person: c.ID, Request: found.ID, Choice: d.Choice}, mine, nonce, ceremony.Challenge())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, options)
}

// assertion is the signature that came with a choice, nil if there is none.
func (a *api) assertion(r *http.Request, c caller, choice countersign.Choice, sent json.RawMessage) (*countersign.Assertion, error) {
	if len(sent) == 0 || string(sent) == "null" {
		return nil, nil
	}
	keys, err := a.passkeys()
	if err != nil {
		return nil, err
	}
	var in answeredCeremony
	if err := canon.Unmarshal(sent, &in); err != nil {
		return nil, bad("the assertion is not a ceremony and a credential", "GET /v1/openapi.yaml shows the shapes")
	}
	s := passkey.Signing{Person: c.ID, Request: countersign.RequestID(r.PathValue("id")), Choice: choice}
	return keys.Sign(r.Context(), s, in.Ceremony, in.Credential)
}
