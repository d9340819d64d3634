package workload

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// claims are what a token says (RFC 7519, RFC 9068, RFC 8693).
type claims struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  texts           `json:"aud"`
	Expires   *seconds        `json:"exp"`
	NotBefore *seconds        `json:"nbf"`
	IssuedAt  *seconds        `json:"iat"`
	Scope     texts           `json:"scope"`
	Scp       texts           `json:"scp"` // where Okta and Entra write scopes
	Events    json.RawMessage `json:"events"`
	Confirm   json.RawMessage `json:"cnf"`
	Actor     json.RawMessage `json:"act"`

	raw []byte
}

// texts is a text, or a list of them.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*t = make(texts, 1)
		return json.Unmarshal(b, &(*t)[0])
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// seconds is a NumericDate.
type seconds int64

func (s *seconds) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	if f < 0 || f > 1<<40 {
		return errors.New("a time that is none")
	}
	*s = seconds(f)
	return nil
}

func (s seconds) time() time.Time { return time.Unix(int64(s), 0) }

// clientClaims name the client that a token was given to: RFC 9068, OpenID
// Connect, Okta, Entra.
var clientClaims = [...]string{"client_id", "azp", "cid", "appid"}

// read takes claims that can be read in one way only.
func read(raw []byte) (claims, error) {
	c := claims{raw: raw}
	if err := canon.Check(raw); err != nil {
		return c, refused("ask the issuer for a new one", "the token's claims cannot be read, or in two ways: %v", err)
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, refused("ask the issuer for a new one", "the token's claims are not as RFC 7519 has them")
	}
	return c, nil
}

// check says whether the token is for the resource, and now.
func (i *issuer) check(c claims, resource string, now time.Time) error {
	switch {
	case len(c.Audience) != 1 || c.Audience[0] != resource:
		return refused("ask the issuer for one with resource="+resource, "the token is for %s, and this is %s", short(strings.Join(c.Audience, " ")), resource)
	case c.Expires == nil || !now.Before(c.Expires.time()):
		return &ExpiredError{}
	case c.Expires.time().After(now.Add(longest + skew)):
		return refused("have the issuer give shorter ones", "the token lives until %s, and none may for more than %s", c.Expires.time().UTC().Format(time.RFC3339), longest)
	case c.NotBefore != nil && c.NotBefore.time().After(now.Add(skew)), c.IssuedAt != nil && c.IssuedAt.time().After(now.Add(skew)):
		return refused("compare the clocks of the issuer and of this server", "the token does not count yet")
	case c.Subject == "":
		return refused("send an access token", "the token has no subject")
	case c.Events != nil:
		return refused("send an access token", "the token tells of events, and is no access token")
	case c.Confirm != nil: // RFC 9449, section 7.2, and RFC 8705: as a bearer token it would lose what it is bound to
		return refused("ask the issuer for a bearer token", "the token is bound to a key, of which nothing was shown")
	}
	return nil
}

// scoped reports whether the token has all of the scopes.
func (c claims) scoped(needs []string) bool {
	var has []string
	for _, s := range slices.Concat(c.Scope, c.Scp) {
		has = append(has, strings.Fields(s)...)
	}
	return !slices.ContainsFunc(needs, func(s string) bool { return !slices.Contains(has, s) })
}

// values are those of a claim that is a text or a list of texts; act.sub and
// act.iss are those of who acts.
func (c claims) values(claim string) []string {
	path := []string{claim}
	if of, ok := strings.CutPrefix(claim, "act."); ok {
		path = []string{"act", of}
	}
	raw, ok := canon.Member(c.raw, path...)
	var t texts
	if !ok || t.UnmarshalJSON(raw) != nil {
		return nil
	}
	return t
}

// has reports whether the token has each of the claims, with one of its values.
func (c claims) has(wanted map[string][]string) bool {
	for claim, values := range wanted {
		if !slices.ContainsFunc(c.values(claim), func(v string) bool { return slices.Contains(values, v) }) {
			return false
		}
	}
	return len(wanted) > 0
}

// agentOf returns the one active agent that the token is of, and by which of its
// identities. Who acts for somebody else must be named by a claim that is the
// actor's: else everybody to whom the subject ever delegated would be the agent.
func (i *issuer) agentOf(d *countersign.Directory, c claims) (countersign.Agent, countersign.Identity, error) {
	var agent countersign.Agent
	var by countersign.Identity
	found := 0
	for _, a := range d.Agents {
		at := slices.IndexFunc(a.Identities, func(id countersign.Identity) bool {
			return id.Issuer == i.URL && slices.ContainsFunc(Identities([]Issuer{i.Issuer}, a.Name), id.Equal) &&
				c.has(id.Claims) && (c.Actor == nil || namesActor(id))
		})
		if at >= 0 && !a.Inactive {
			agent, by = a, a.Identities[at]
			found++
		}
	}
	switch found {
	case 1:
		return agent, by, nil
	case 0:
		return agent, by, refused("the operator maps claims to agents under issuers:, and who has passkeys lets that in", "no active agent is known by this token of %s", i.URL)
	}
	return agent, by, refused("have the operator tell them apart under issuers:", "%d agents are known by this token of %s", found, i.URL)
}

func namesActor(id countersign.Identity) bool {
	for claim := range id.Claims {
		if claim == "act.sub" || slices.Contains(clientClaims[:], claim) {
			return true
		}
	}
	return false
}

// chain returns the subject that the agent is known by, and on whose behalf it
// asks: the token's subject unless that is the agent itself, then the actors
// behind the one who acts now, as RFC 8693 nests them.
func (c claims) chain(d *countersign.Directory, issuer string, by countersign.Identity) (subject string, chain []countersign.Principal, err error) {
	subject = c.Subject
	if c.Actor == nil && c.isAgent(by) {
		return subject, nil, nil
	}
	first, err := c.known(d, actor{Issuer: issuer, Subject: c.Subject, raw: []byte(`{}`)})
	if err != nil {
		return "", nil, err
	}
	chain = append(chain, first)
	subject = c.client()
	for raw, depth := []byte(c.Actor), 0; raw != nil; depth++ {
		a := actor{raw: raw}
		if err := json.Unmarshal(raw, &a); err != nil || a.Subject == "" || depth == deepest {
			return "", nil, refused("ask the issuer for one with at most 8 actors, each with a sub", "the token does not say in act who acts, or for too many")
		}
		if a.Issuer == "" {
			a.Issuer = issuer
		}
		if depth == 0 {
			subject = a.Subject
		} else {
			who, err := c.known(d, a)
			if err != nil {
				return "", nil, err
			}
			chain = append(chain, who)
		}
		raw = a.Actor
	}
	return subject, chain, nil
}

// isAgent reports whether the subject is the agent itself and nobody on whose
// behalf it asks: the identity names it, it is the client, or there is no client
// that it could have lent its rights to.
func (c claims) isAgent(by countersign.Identity) bool {
	_, named := by.Claims["sub"]
	client := c.client()
	return named || client == "" || client == c.Subject
}

// client is the client that the token was given to, empty if it names none.
func (c claims) client() string {
	for _, claim := range clientClaims {
		if v := c.values(claim); len(v) == 1 {
			return v[0]
		}
	}
	return ""
}
