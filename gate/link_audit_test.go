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
	w.linked(link("bob"))
	r := w.held("list", `{"path":"/srv/a"}`)
	must(t, w.clicks("bob", r.ID))
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
			w.comesBack("bob")
			w.clicked(w.held("list", `{"path":"/srv/a"}`), "Ubob", countersign.Chat)
		}},
		"a second click while the first counts": {"per_bob approved it twice", func(w *world) {
			w.linked(link("bob"))
			r := w.held("both", `{"path":"/srv/a"}`)
			must(w.t, w.clicks("bob", r.ID))
			r.Version++
			w.clicked(r, "Ubob", countersign.Chat)
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

func TestTheAuditorFindsWhatRanOnAClickOfAnAccountThatWasUnlinkedSince(t *testing.T) {
	second := link("bob")
	second.Account = "Ubob2"
	links := (*world).linked
	unlinks := func(w *world, l countersign.Link) { must(t, w.gate.Unlink(t.Context(), operator(), l.ID(), "stolen")) }
	for name, meanwhile := range map[string]func(*world){
		"unlinked":                      func(w *world) { unlinks(w, link("bob")) },
		"unlinked, and another linked":  func(w *world) { unlinks(w, link("bob")); links(w, second) },
		"unlinked, and linked again":    func(w *world) { unlinks(w, link("bob")); links(w, link("bob")) },
		"deactivated, and linked again": func(w *world) { w.comesBack("bob"); links(w, link("bob")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := chatting(t)
			links(w, link("bob"))
			r := w.held("list", `{"path":"/srv/a"}`)
			must(t, w.clicks("bob", r.ID))
			meanwhile(w)
			w.releases(r.ID)
			w.finds("the decisions that the policy of then asks for are not there")
		})
	}
	w := chatting(t)
	links(w, link("bob"))
	links(w, second)
	r := w.held("list", `{"path":"/srv/a"}`)
	must(t, w.clicks("bob", r.ID))
	unlinks(w, second)
	w.releases(r.ID)
	w.holds() // the link that it came through stands
}

func TestTheAuditorFindsAnApprovalThroughALinkThatIsNewerThanTheRequest(t *testing.T) {
	for name, c := range map[string]struct{ before, after func(*world) }{
		"linked after it":                 {nil, nil},
		"linked after it, at its moment":  {nil, func(w *world) { must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob"))) }},
		"linked before it, and once more": {func(w *world) { w.linked(link("bob")) }, func(w *world) { must(t, w.gate.Unlink(t.Context(), operator(), link("bob").ID(), "")) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := chatting(t)
			if c.before != nil {
				c.before(w)
			}
			r := w.held("list", `{"path":"/srv/a"}`)
			if c.after != nil {
				c.after(w)
			}
			w.linked(link("bob"))
			w.clicked(r, "Ubob", countersign.Chat)
			w.finds("per_bob approved it through lnk:slack/T1/Ubob, which was linked after it was asked")
			w.releases(r.ID)
			w.finds("the decisions that the policy of then asks for are not there")
		})
	}
	w := chatting(t)
	r := w.held("list", `{"path":"/srv/a"}`)
	w.linked(link("bob"))
	d := w.says("bob", countersign.Reject, r.ID)
	d.Link = link("bob").ID()
	_, err := w.gate.Decide(t.Context(), d)
	must(t, err)
	w.holds() // a rejection may come through a newer one
}

// comesBack has the person deactivated and there again.
func (w *world) comesBack(person string) {
	w.t.Helper()
	p := countersign.Person{ID: "per_" + person, Name: person, Issuer: "local", Subject: person, Inactive: true}
	_, err := w.gate.SetPerson(w.t.Context(), operator(), p)
	must(w.t, err)
	p.Inactive = false
	_, err = w.gate.SetPerson(w.t.Context(), operator(), p)
	must(w.t, err)
}
