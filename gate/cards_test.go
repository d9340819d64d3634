package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
)

// asking is a world whose gate queues cards.
func asking(t *testing.T) *world {
	w := newWorld(t)
	w.posts()
	return w
}

// queued are the requests whose cards are to be brought up to date.
func (w *world) queued() []string {
	w.t.Helper()
	jobs, err := w.store.Claim(w.t.Context(), gate.JobCards, time.Minute, 10)
	must(w.t, err)
	var ids []string
	for _, j := range jobs {
		ids = append(ids, j.Key)
		must(w.t, w.store.Finish(w.t.Context(), j))
	}
	return ids
}

func TestEveryChangeThatPeopleSeeQueuesTheirCards(t *testing.T) {
	w := asking(t)
	step := func(what string, want int) {
		t.Helper()
		if got := w.queued(); len(got) != want {
			t.Errorf("%s queued the cards of %v, want %d", what, got, want)
		}
	}
	w.submit(w.ask("read_file", `{"path":"/srv/a"}`))
	step("a read that is allowed", 0)
	w.submit(w.ask("wipe", `{"path":"/srv/a"}`))
	step("what is denied at once", 0)
	r := w.held("grant", `{"path":"/srv/a"}`)
	step("a hold", 1)
	w.submit(w.ask("grant", `{"path":"/srv/a"}`))
	step("a repeat that joins", 0)
	must(t, w.decideAs("bob", countersign.Escalate, r.ID, "dba"))
	step("an escalation", 1)
	w.refused(w.decide("alice", countersign.Approve, r.ID), countersign.CodeSelfApproval)
	step("a choice that does not count", 0)
	w.approve("bob", r.ID)
	step("one vote", 1)
	w.approve("carol", r.ID)
	w.approve("erin", r.ID)
	step("the others", 1)
	w.run(r.ID)
	step("its run", 1)
	late := w.held("write_file", `{"path":"/srv/b"}`)
	w.queued()
	w.clock.Advance(time.Hour)
	must(t, w.gate.Tick(t.Context()))
	step("its expiry", 1)
	if got := w.state(late.ID).Decision; got != countersign.DecisionExpired {
		t.Errorf("it is %s, want it expired", got)
	}
}

func (w *world) decideAs(person string, c countersign.Choice, id countersign.RequestID, to string) error {
	w.t.Helper()
	d := w.says(person, c, id)
	d.To = to
	_, err := w.gate.Decide(w.t.Context(), d)
	return err
}

func TestAGateWithoutChatsQueuesNothing(t *testing.T) {
	w := newWorld(t)
	w.held("write_file", `{"path":"/srv/a"}`)
	if got := w.queued(); len(got) != 0 {
		t.Errorf("queued the cards of %v, want none", got)
	}
}

func link(person string) countersign.Link {
	return countersign.Link{Chat: "slack", Workspace: "T1", Account: "U" + person, Person: "per_" + person}
}

func (w *world) as(person, method string) countersign.Who {
	return countersign.Who{Actor: countersign.Principal{Kind: countersign.KindPerson, ID: "per_" + person}, Method: method, Origin: countersign.Origin{Door: "slack"}}
}

func TestAPersonLinksTheirOwnAccountAndNoOther(t *testing.T) {
	w := newWorld(t)
	must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")))
	must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob"))) // again is nothing
	theirs := link("bob")
	theirs.Person = "per_carol"
	w.refused(w.gate.Link(t.Context(), w.as("carol", "link"), theirs), countersign.CodeConflict)
	w.refused(w.gate.Link(t.Context(), w.as("alice", "link"), link("erin")), countersign.CodeForbidden)
	w.refused(w.gate.Link(t.Context(), operator(), link("erin")), countersign.CodeForbidden)
	odd := link("erin")
	odd.Account = "U1/../T2"
	w.refused(w.gate.Link(t.Context(), w.as("erin", "link"), odd), countersign.CodeBadRequest)
	w.refused(w.gate.Unlink(t.Context(), w.as("carol", "link"), link("bob").ID(), ""), countersign.CodeForbidden)
	w.refused(w.gate.Unlink(t.Context(), operator(), link("erin").ID(), ""), countersign.CodeNotFound)
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	if len(d.Links) != 1 || d.Versions[link("bob").ID()] != 1 {
		t.Errorf("links are %+v at version %d, want Bob's alone, recorded once", d.Links, d.Versions[link("bob").ID()])
	}
	must(t, w.gate.Unlink(t.Context(), operator(), link("bob").ID(), "left"))
	must(t, w.gate.Link(t.Context(), w.as("carol", "link"), theirs))
}

func TestALinkIsNeverMadeOrBrokenInSilence(t *testing.T) {
	w := asking(t)
	must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")))
	must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob"))) // again is nothing
	must(t, w.gate.Unlink(t.Context(), operator(), link("bob").ID(), "left"))
	jobs, err := w.store.Claim(t.Context(), gate.JobNotices, time.Minute, 10)
	must(t, err)
	var said []string
	for _, j := range jobs {
		var body struct{ Notice gate.LinkNotice }
		must(t, json.Unmarshal(j.Body, &body))
		n := body.Notice
		said = append(said, fmt.Sprint(j.Key, n.Link.Person, n.Broken, n.By.Kind, n.Because))
	}
	want := []string{"lnk:slack/T1/Ubob@1 per_bob false person ", "lnk:slack/T1/Ubob@2 per_bob true operator left"}
	if len(said) != 2 || strings.ReplaceAll(said[0]+said[1], " ", "") != strings.ReplaceAll(want[0]+want[1], " ", "") {
		t.Errorf("queued %q, want %q", said, want)
	}
}

func TestALinkMadeOncePeopleArePairedNeedsAPasskeySession(t *testing.T) {
	w := newWorld(t)
	w.enrol("bob")
	w.enrol("carol")
	w.refused(w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")), countersign.CodeAssuranceTooLow)
	must(t, w.gate.Link(t.Context(), w.as("bob", "passkey"), link("bob")))
}

func TestADecisionThroughALinkIsWorthAChatAndNoMore(t *testing.T) {
	w := newWorld(t)
	must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")))
	r := w.held("write_file", `{"path":"/srv/a"}`)
	through := func(person string, id countersign.RequestID) error {
		d := w.says(person, countersign.Reject, r.ID)
		d.Link, d.Assurance, d.Method, d.Channel = id, countersign.Passkey, "passkey", "console"
		_, err := w.gate.Decide(t.Context(), d)
		return err
	}
	w.refused(through("carol", link("bob").ID()), countersign.CodeForbidden)
	w.refused(through("carol", link("carol").ID()), countersign.CodeForbidden)
	// The link is broken after the gate has looked and before it has recorded.
	w.store.Faults().BeforeCommit(func() { must(t, w.gate.Unlink(t.Context(), operator(), link("bob").ID(), "stolen")) })
	w.refused(through("bob", link("bob").ID()), countersign.CodeForbidden)
	must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")))
	must(t, through("bob", link("bob").ID()))
	got, err := w.gate.Get(t.Context(), r.ID)
	must(t, err)
	if d := got.Decisions[0]; d.Assurance != countersign.Chat || d.Method != "chat" || d.Channel != "slack" || !d.Solo {
		t.Errorf("on record is %+v, want chat by slack of somebody without a passkey", d)
	}
}

func TestAnApprovalThroughALinkThatIsNewerThanTheRequestDoesNotCount(t *testing.T) {
	second := link("bob")
	second.Account = "Ubob2"
	for name, before := range map[string]func(*world) countersign.Request{
		"linked after it": func(w *world) countersign.Request { return w.held("list", `{"path":"/srv/a"}`) },
		"at its very moment": func(w *world) countersign.Request {
			r := w.held("list", `{"path":"/srv/a"}`)
			must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")))
			return r
		},
		"linked before it, and again after it": func(w *world) countersign.Request {
			w.linked(link("bob"))
			r := w.held("list", `{"path":"/srv/a"}`)
			must(t, w.gate.Unlink(t.Context(), operator(), link("bob").ID(), "a new phone"))
			return r
		},
		"another account linked before it": func(w *world) countersign.Request {
			w.linked(second)
			return w.held("list", `{"path":"/srv/a"}`)
		},
		"linked after it, by a clock that went back": func(w *world) countersign.Request {
			r := w.held("list", `{"path":"/srv/a"}`)
			w.clock.Advance(-2 * time.Second)
			must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")))
			w.clock.Advance(2 * time.Second)
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := chatting(t)
			r := before(w)
			w.clock.Advance(time.Second)
			must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")))
			err := w.clicks("bob", r.ID)
			w.refused(err, countersign.CodeAssuranceTooLow)
			if e, ok := errors.AsType[*countersign.Error](err); ok && e.Hint != "approve it in the browser" {
				t.Errorf("the hint is %q, want one that says what to do next", e.Hint)
			}
			w.run(r.ID)
			w.ran(r.ID, 0)
			if got := w.recorded(r.ID, countersign.KindRefused); got != 1 {
				t.Errorf("%d refusals are on record, want one", got)
			}
			w.approve("bob", r.ID)
			w.run(r.ID)
			w.ran(r.ID, 1)
			w.holds()
		})
	}
}

func TestT16AStolenChatAccountApprovesNothingThatNeedsMore(t *testing.T) {
	w := chatting(t)
	w.linked(link("bob"))
	for tool, more := range map[string]bool{"grant": true, "list": false} {
		r := w.held(tool, `{"path":"/srv/a"}`)
		d := w.says("bob", countersign.Approve, r.ID)
		d.Link, d.Assurance, d.Method, d.Solo = link("bob").ID(), countersign.Passkey, "passkey", false
		_, err := w.gate.Decide(t.Context(), d)
		if !more {
			must(t, err)
			continue
		}
		w.refused(err, countersign.CodeAssuranceTooLow)
		now, err := w.gate.Get(t.Context(), r.ID)
		must(t, err)
		if len(now.Decisions) != 0 || len(now.Refusals) != 1 || now.Refusals[0].Decision.Assurance != countersign.Chat {
			t.Errorf("on record are %+v and %+v, want one refused attempt, worth a chat", now.Decisions, now.Refusals)
		}
	}
	w.holds()
}

func TestAnApprovalInAChatIsVoidOnceTheLinkIsBroken(t *testing.T) {
	second := link("bob")
	second.Account = "Ubob2"
	for name, c := range map[string]struct{ before, after func(*world) }{
		"their only one":           {},
		"one of two":               {before: func(w *world) { w.linked(second) }},
		"another is linked later":  {after: func(w *world) { must(t, w.gate.Link(t.Context(), w.as("bob", "link"), second)) }},
		"the same is linked again": {after: func(w *world) { must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob"))) }},
		"the same, by a clock that went back": {after: func(w *world) {
			w.clock.Advance(-2 * time.Second)
			must(t, w.gate.Link(t.Context(), w.as("bob", "link"), link("bob")))
			w.clock.Advance(2 * time.Second)
		}},
		"the same is linked to somebody else": {after: func(w *world) {
			carols := link("bob")
			carols.Person = "per_carol"
			must(t, w.gate.Link(t.Context(), w.as("carol", "link"), carols))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := chatting(t)
			w.linked(link("bob"))
			if c.before != nil {
				c.before(w)
			}
			r := w.held("list", `{"path":"/srv/a"}`)
			must(t, w.clicks("bob", r.ID))
			must(t, w.gate.Unlink(t.Context(), operator(), link("bob").ID(), "stolen"))
			w.clock.Advance(time.Second)
			if c.after != nil {
				c.after(w)
			}
			w.run(r.ID)
			w.ran(r.ID, 0)
			if got := w.state(r.ID).Decision; got != countersign.DecisionPending {
				t.Errorf("it is %s, want it pending again", got)
			}
			w.holds()
		})
	}
}

// posts has the world's gate queue cards from now on.
func (w *world) posts() {
	w.t.Helper()
	g, err := gate.New(context.Background(), w.store, w.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": w.upstream}, Now: w.clock.Now, Cards: true,
	})
	must(w.t, err)
	w.gate = g
}

// linked makes the link, before whatever is asked from now on.
func (w *world) linked(l countersign.Link) {
	w.t.Helper()
	must(w.t, w.gate.Link(w.t.Context(), w.as(strings.TrimPrefix(l.Person, "per_"), "link"), l))
	w.clock.Advance(time.Second)
}

// clicks is the person's approval, as a click of their account.
func (w *world) clicks(person string, id countersign.RequestID) error {
	w.t.Helper()
	d := w.says(person, countersign.Approve, id)
	d.Link = link(person).ID()
	_, err := w.gate.Decide(w.t.Context(), d)
	return err
}

// chatting is a world in which a chat is enough for two tools.
func chatting(t *testing.T) *world {
	w := newWorld(t)
	chatty := testPolicy + `- id: list
  why: Anyone may look on.
  match: {verbs: [k8s.read]}
  effect: hold
  require: {reviewers: [platform], quorum: 1, assurance: chat, expires: 30m, run_within: 10m}
- id: both
  why: Two look on.
  match: {verbs: [http.read]}
  effect: hold
  require: {reviewers: [platform], quorum: 2, assurance: chat, expires: 30m, run_within: 10m}
`
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": chatty}))
	f := files()
	f.Tools["list"], f.Pins["list"] = countersign.Tool{Verbs: []string{"k8s.read"}}, countersign.Digest{1}
	f.Tools["both"], f.Pins["both"] = countersign.Tool{Verbs: []string{"http.read"}}, countersign.Digest{1}
	f.Claims["both"] = countersign.ToolClaim{Annotated: true, ReadOnly: true}
	f.Claims["list"] = countersign.ToolClaim{Annotated: true, ReadOnly: true}
	f.Environment = "dev"
	must(t, w.gate.RemoveResource(t.Context(), operator(), f.Name))
	must(t, w.gate.SetResource(t.Context(), operator(), f))
	w.clock.Advance(time.Second)
	return w
}
