package gate_test

import (
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// clicked records bob's approval past the gate, as a click of the account.
func (w *world) clicked(r countersign.Request, account string, with countersign.Assurance) {
	w.t.Helper()
	d := w.says("bob", countersign.Approve, r.ID)
	d.Assurance, d.Channel = with, "slack"
	e, err := ledger.Encode(countersign.Event{
		Request: r.ID, Version: r.Version + 1,
		Who:   countersign.Who{Actor: w.person("bob").Actor, Method: "chat", Origin: countersign.Origin{Door: "slack", Peer: "T1/" + account}},
		State: countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionNone},
		Body:  countersign.Decided{Decision: d.Decision, RunBy: w.clock.Now().Add(time.Minute)},
	})
	must(w.t, err)
	_, err = w.store.Commit(w.t.Context(), store.Change{Events: []ledger.Event{e}})
	must(w.t, err)
}

func TestTheAuditorTakesDecisionsThroughLinks(t *testing.T) {
	w := chatting(t)
	must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")))
	r := w.held("list", `{"path":"/srv/a"}`)
	d := w.says("bob", countersign.Approve, r.ID)
	d.Link = link("bob").ID()
	_, err := w.gate.Decide(t.Context(), d)
	must(t, err)
	w.run(r.ID)
	w.ran(r.ID, 1)
	must(t, w.gate.Unlink(t.Context(), operator(), link("bob").ID(), "left"))
	head, err := w.store.Head(t.Context())
	must(t, err)
	report, err := audit.Run(t.Context(), audit.Source{Trust: w.trust, Checkpoint: head.Note, Entries: (&history{world: w}).entries})
	must(t, err)
	if !report.Holds() || report.Released != 1 {
		t.Errorf("got %+v, want one request released and nothing against it", report)
	}
}

func TestTheAuditorFindsClicksAndLinksThatAreNobodys(t *testing.T) {
	made := func(person string, solo bool) countersign.LinkMade {
		return countersign.LinkMade{Link: link(person), Solo: solo}
	}
	for name, c := range map[string]struct {
		says  string
		forge func(*world)
	}{
		"a click of an account that is nobody's": {"which was not linked to them", func(w *world) {
			w.clicked(w.held("list", `{"path":"/srv/a"}`), "Ubob", countersign.Chat)
		}},
		"a click of another's account": {"which was not linked to them", func(w *world) {
			must(w.t, w.gate.Link(w.t.Context(), w.as("carol", "link"), link("carol")))
			w.clicked(w.held("list", `{"path":"/srv/a"}`), "Ucarol", countersign.Chat)
		}},
		"a click after the person was deactivated and came back": {"which was not linked to them", func(w *world) {
			must(w.t, w.gate.Link(w.t.Context(), w.as("bob", "link"), link("bob")))
			bob := countersign.Person{ID: "per_bob", Name: "bob", Issuer: "local", Subject: "bob", Inactive: true}
			_, err := w.gate.SetPerson(w.t.Context(), operator(), bob)
			must(w.t, err)
			bob.Inactive = false
			_, err = w.gate.SetPerson(w.t.Context(), operator(), bob)
			must(w.t, err)
			w.clicked(w.held("list", `{"path":"/srv/a"}`), "Ubob", countersign.Chat)
		}},
		"a click that claims more than a chat gives": {`decided it in a chat with "session"`, func(w *world) {
			must(w.t, w.gate.Link(w.t.Context(), w.as("bob", "link"), link("bob")))
			w.clicked(w.held("list", `{"path":"/srv/a"}`), "Ubob", countersign.Session)
		}},
		"a link that somebody else made": {"per_carol linked lnk:slack/T1/Ubob to per_bob", func(w *world) {
			(&house{world: w}).forge(w.as("carol", "link"), link("bob").ID(), made("bob", true))
		}},
		"a link that was taken over": {"linked already", func(w *world) {
			must(w.t, w.gate.Link(w.t.Context(), w.as("bob", "link"), link("bob")))
			(&house{world: w}).forge(w.as("bob", "link"), link("bob").ID(), made("bob", true))
		}},
		"a link that another broke": {"per_carol broke a link of per_bob", func(w *world) {
			must(w.t, w.gate.Link(w.t.Context(), w.as("bob", "link"), link("bob")))
			(&house{world: w}).forge(w.as("carol", "link"), link("bob").ID(), countersign.LinkBroken{Link: link("bob"), Solo: true})
		}},
		"a link from a session without a passkey": {"no passkey opened", func(w *world) {
			(w.enrol("bob", "carol")).forge(w.as("bob", "link"), link("bob").ID(), made("bob", false))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := chatting(t)
			c.forge(w)
			w.finds(c.says)
		})
	}
}
