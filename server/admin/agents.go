package admin

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/token"
	"github.com/countersignhq/countersign/server/wire"
)

// TokenLife is how long a token lives unless the operator says otherwise.
const TokenLife = 90 * 24 * time.Hour

// maxTokenLife keeps a token from outliving everybody who knows of it.
const maxTokenLife = 366 * 24 * time.Hour

// A NewAgent is an agent to add, with its first token.
type NewAgent struct {
	Name string `json:"name"`
	// Owner is a person or a group.
	Owner string `json:"owner"`
	// Region is where the agent runs, as declared.
	Region string `json:"region,omitempty"`
	// Seconds is how long the token lives. Defaults to TokenLife.
	Seconds int64 `json:"seconds,omitempty"`
}

// A NewToken is one more token of an agent.
type NewToken struct {
	Seconds int64 `json:"seconds,omitempty"`
}

// An Issued is an agent with the text of a new token, which is shown here and
// never again. It works from then on when the agent is as it shall be.
type Issued struct {
	Agent   client.Agent `json:"agent"`
	ID      string       `json:"token_id"`
	Token   string       `json:"token"`
	Expires time.Time    `json:"expires"`
	// Waits is the request that people have to approve first, empty if the token
	// works already.
	Waits string `json:"waits,omitempty"`
}

// A Revocation names the token to revoke; an empty id means all of the agent's.
type Revocation struct {
	Token string `json:"token,omitempty"`
}

func (a *admin) addAgent(r *http.Request) (Issued, error) {
	in, err := body[NewAgent](r)
	if err != nil {
		return Issued{}, err
	}
	if err := checkName("an agent", in.Name); err != nil {
		return Issued{}, err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return Issued{}, err
	}
	owner, err := findOwner(d, in.Owner)
	if err != nil {
		return Issued{}, err
	}
	text, t, err := a.draw(in.Seconds)
	if err != nil {
		return Issued{}, err
	}
	agent := countersign.Agent{
		ID: countersign.NewID("agt"), Name: in.Name, Owner: owner, CreatedBy: countersign.Operator(),
		Region: in.Region, Tokens: []countersign.Token{t},
	}
	err = a.gate.SetAgent(r.Context(), who(r), agent)
	return a.issued(r, agent, text, t, err)
}

// draw makes a token that lives so many seconds.
func (a *admin) draw(seconds int64) (string, countersign.Token, error) {
	life := time.Duration(seconds) * time.Second
	if seconds == 0 {
		life = TokenLife
	}
	if seconds < 0 || life > maxTokenLife || life <= 0 {
		return "", countersign.Token{}, bad("a token lives at least a second and at most 366 days")
	}
	text, hash := token.New()
	now := a.cfg.Now().UTC().Truncate(time.Millisecond)
	return text, countersign.Token{
		ID: countersign.NewID("tok"), Hash: hash, IssuedBy: countersign.Operator(), IssuedAt: now, Expires: now.Add(life),
	}, nil
}

// issued is the token with its agent, or with the request that the agent waits
// for; err is what the change came to.
func (a *admin) issued(r *http.Request, agent countersign.Agent, text string, t countersign.Token, err error) (Issued, error) {
	out := Issued{ID: t.ID, Token: text, Expires: t.Expires}
	if held, ok := errors.AsType[*gate.HeldError](err); ok {
		out.Agent = client.Agent{ID: agent.ID, Name: agent.Name, Owner: agent.Owner, OwnerID: agent.Owner, Tokens: []client.Token{}}
		out.Waits = string(held.Request.ID)
		return out, nil
	}
	if err != nil {
		return Issued{}, err
	}
	out.Agent, err = a.agent(r, agent.ID)
	return out, err
}

func (a *admin) agent(r *http.Request, id string) (client.Agent, error) {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return client.Agent{}, err
	}
	all := wire.Agents(d)
	i := slices.IndexFunc(all, func(a client.Agent) bool { return a.ID == id })
	if i < 0 {
		return client.Agent{}, notFound("", "there is no agent %q", id)
	}
	return all[i], nil
}

func (a *admin) addToken(r *http.Request) (Issued, error) {
	in, err := body[NewToken](r)
	if err != nil {
		return Issued{}, err
	}
	text, t, err := a.draw(in.Seconds)
	if err != nil {
		return Issued{}, err
	}
	agent, err := a.changeAgent(r, func(agent *countersign.Agent) error {
		agent.Tokens = append(slices.Clone(agent.Tokens), t)
		return nil
	})
	return a.issued(r, agent, text, t, err)
}

func (a *admin) revoke(r *http.Request) (client.Agent, error) {
	in, err := body[Revocation](r)
	if err != nil {
		return client.Agent{}, err
	}
	return a.setAgent(r, func(agent *countersign.Agent) error {
		agent.Tokens = slices.Clone(agent.Tokens)
		revoked := 0
		for i, t := range agent.Tokens {
			if (in.Token == "" || t.ID == in.Token) && !t.Revoked {
				agent.Tokens[i].Revoked = true
				revoked++
			}
		}
		if revoked == 0 {
			return notFound("countersign agent ls shows them", "%s has no token %s that is not revoked yet", agent.Name, in.Token)
		}
		return nil
	})
}

func (a *admin) activateAgent(r *http.Request) (client.Agent, error) {
	return a.setAgent(r, func(agent *countersign.Agent) error { agent.Inactive = false; return nil })
}

// deactivateAgent has the agent ask for nothing any more, at once.
func (a *admin) deactivateAgent(r *http.Request) (client.Agent, error) {
	return a.setAgent(r, func(agent *countersign.Agent) error { agent.Inactive = true; return nil })
}

func (a *admin) setAgent(r *http.Request, change func(*countersign.Agent) error) (client.Agent, error) {
	agent, err := a.changeAgent(r, change)
	if err != nil {
		return client.Agent{}, err
	}
	return a.agent(r, agent.ID)
}

// changeAgent changes the agent as it is at the moment of the record: two tokens
// issued at once are both there.
func (a *admin) changeAgent(r *http.Request, change func(*countersign.Agent) error) (changed countersign.Agent, err error) {
	err = a.gate.Change(r.Context(), who(r), func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		agent, err := findAgent(d, r.PathValue("agent"))
		if err != nil {
			return "", nil, err
		}
		if err := change(&agent); err != nil {
			return "", nil, err
		}
		changed = agent
		return countersign.RequestID(agent.ID), countersign.AgentChanged{Agent: agent}, nil
	})
	return changed, err
}
