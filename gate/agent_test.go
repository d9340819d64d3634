package gate_test

import (
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

// token is one of the bot's, issued by the principal.
func (w *world) token(id string, hash byte, by countersign.Principal) countersign.Token {
	return countersign.Token{ID: id, Hash: countersign.Digest{hash}, IssuedBy: by, IssuedAt: w.clock.Now(), Expires: w.clock.Now().Add(time.Hour)}
}

// proposes has the person ask for the agent.
func (w *world) proposes(person string, a countersign.Agent) error {
	w.t.Helper()
	_, _, err := w.gate.Propose(w.t.Context(), w.person(person).Actor, countersign.Origin{Door: "api"}, countersign.RequestID(a.ID), countersign.AgentChanged{Agent: a}, "")
	return err
}

func TestWhoMakesAnAgentNamesThemselves(t *testing.T) {
	w := newWorld(t)
	w.enrol("bob", "carol", "dave", "erin")
	bob := w.person("bob").Actor
	agent := func(made, issued countersign.Principal) countersign.Agent {
		return countersign.Agent{ID: "agt_new", Name: "new", Owner: "per_alice", CreatedBy: made, Tokens: []countersign.Token{w.token("tok_1", 2, issued)}}
	}
	must(t, w.proposes("bob", agent(bob, bob)))
	for name, as := range map[string]countersign.Principal{
		"another kind":   {Kind: countersign.KindOperator, ID: "per_bob", Name: "operator (local)"},
		"another name":   {Kind: countersign.KindPerson, ID: "per_bob", Name: "carol", Issuer: "local", Subject: "bob"},
		"another person": w.person("carol").Actor,
	} {
		if err := w.proposes("bob", agent(as, bob)); countersign.CodeOf(err) != countersign.CodeBadRequest {
			t.Errorf("%s made it: got %v, want it refused", name, err)
		}
		if err := w.proposes("bob", agent(bob, as)); countersign.CodeOf(err) != countersign.CodeBadRequest {
			t.Errorf("%s issued its token: got %v, want it refused", name, err)
		}
	}
}

func TestAMakerOnRecordIsBarredWhateverTheirKind(t *testing.T) {
	w := newWorld(t)
	w.enrol("bob", "carol")
	w.clock.Advance(time.Second)
	w.bot.ID, w.bot.Name = "agt_odd", "odd"
	w.bot.CreatedBy = countersign.Principal{Kind: countersign.KindOperator, ID: "per_bob", Name: "operator (local)"}
	w.house().forge(operator(), "agt_odd", countersign.AgentChanged{Agent: w.bot, Solo: true})
	w.refused(w.decide("bob", countersign.Approve, w.held("write_file", `{}`).ID), countersign.CodeSelfApproval)
}

func TestAKnownTokenOnlyEverLetsInLess(t *testing.T) {
	w := newWorld(t)
	w.bot.Tokens = []countersign.Token{w.token("tok_1", 1, w.person("alice").Actor)}
	must(t, w.gate.SetAgent(t.Context(), operator(), w.bot))
	w.enrol("bob", "carol", "dave", "erin")
	for name, c := range map[string]struct {
		change func(*countersign.Token)
		ok     bool
	}{
		"another hash":   {func(k *countersign.Token) { k.Hash = countersign.Digest{2} }, false},
		"a later end":    {func(k *countersign.Token) { k.Expires = k.Expires.Add(time.Minute) }, false},
		"issued later":   {func(k *countersign.Token) { k.IssuedAt = k.IssuedAt.Add(time.Minute) }, false},
		"by another":     {func(k *countersign.Token) { k.IssuedBy = w.person("bob").Actor }, false},
		"an earlier end": {func(k *countersign.Token) { k.Expires = k.Expires.Add(-time.Minute) }, true},
		"revoked":        {func(k *countersign.Token) { k.Revoked = true }, true},
	} {
		next := w.bot
		next.Region = "eu-west-1"
		next.Tokens = []countersign.Token{w.bot.Tokens[0]}
		c.change(&next.Tokens[0])
		err := w.proposes("bob", next)
		if c.ok && err != nil || !c.ok && countersign.CodeOf(err) != countersign.CodeBadRequest {
			t.Errorf("%s: got %v, want it to wait for people: %t", name, err, c.ok)
		}
	}
}

func TestTheAuditorFindsAgentsInAnothersName(t *testing.T) {
	odd := countersign.Principal{Kind: countersign.KindOperator, ID: "per_bob", Name: "operator (local)"}
	for name, c := range map[string]struct {
		change func(*house, *countersign.Agent)
		says   string
	}{
		"made":          {func(h *house, a *countersign.Agent) { a.ID, a.Name, a.CreatedBy = "agt_new", "new", odd }, "per_bob made agt_new and says that operator per_bob did"},
		"another maker": {func(h *house, a *countersign.Agent) { a.CreatedBy = odd }, "agt_bot was made by operator and is said to be by per_bob now"},
		"issued":        {func(h *house, a *countersign.Agent) { a.Tokens = append(a.Tokens, h.token("tok_2", 2, odd)) }, "per_bob issued tok_2 and says that operator per_bob did"},
		"another hash":  {func(h *house, a *countersign.Agent) { a.Tokens[0].Hash = countersign.Digest{2} }, "the token tok_1 became another"},
		"live again":    {func(h *house, a *countersign.Agent) { a.Tokens[0].Revoked = false }, "the token tok_1 became another"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWorld(t).house()
			h.bot.Tokens = []countersign.Token{h.token("tok_1", 1, operator().Actor)}
			h.bot.Tokens[0].Revoked = true
			must(t, h.gate.SetAgent(t.Context(), operator(), h.bot))
			h.holds()
			c.change(h, &h.bot)
			h.forge(h.person("bob"), countersign.RequestID(h.bot.ID), countersign.AgentChanged{Agent: h.bot, Solo: true})
			h.finds(c.says)
		})
	}
}
