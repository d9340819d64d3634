package admin_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/admin"
)

func TestTheOperatorBreaksALinkOnRecord(t *testing.T) {
	w := newWorld(t)
	bob := call[admin.Linked](w, http.MethodPost, "/v1/people", `{"name":"Bob","subject":"bob"}`).Person
	dana := call[admin.Linked](w, http.MethodPost, "/v1/people", `{"name":"Dana","subject":"dana"}`).Person
	link := func(person, account string) countersign.RequestID {
		l := countersign.Link{Chat: "slack", Workspace: "T1", Account: account, Person: person}
		who := countersign.Who{Actor: countersign.Principal{Kind: countersign.KindPerson, ID: person}, Method: "link"}
		must(t, w.gate.Link(t.Context(), who, l))
		return l.ID()
	}
	first, second, other := link(bob.ID, "U1"), link(bob.ID, "U2"), link(dana.ID, "U3")
	w.refused(countersign.CodeNotFound, http.MethodPost, "/v1/people/Bob/unlink", `{"chat":"teams"}`)
	w.refused(countersign.CodeNotFound, http.MethodPost, "/v1/people/Bob/unlink", `{"chat":"slack","account":"U3"}`)
	w.refused(countersign.CodeNotFound, http.MethodPost, "/v1/people/nobody/unlink", `{"chat":"slack"}`)
	w.refused(countersign.CodeBadRequest, http.MethodPost, "/v1/people/Bob/unlink", `{"chat":"slack","workspace":"T1"}`)

	one := call[client.Links](w, http.MethodPost, "/v1/people/Bob/unlink", `{"chat":"slack","account":"U2","because":"a lost phone"}`)
	if len(one.Links) != 1 || one.Links[0].Account != "U2" {
		t.Errorf("broken are %+v, want U2", one.Links)
	}
	events := w.events(second)
	last := events[len(events)-1]
	if b, ok := last.Body.(countersign.LinkBroken); !ok || b.Because != "a lost phone" || last.Who.Actor.Kind != countersign.KindOperator {
		t.Errorf("on record is %+v by %+v, want the operator who broke it, and why", last.Body, last.Who.Actor)
	}
	link(bob.ID, "U2")
	if all := call[client.Links](w, http.MethodPost, "/v1/people/"+bob.ID+"/unlink", `{"chat":"slack"}`); len(all.Links) != 2 {
		t.Errorf("broken are %+v, want both of Bob's", all.Links)
	}
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	_, has := d.Links[other]
	if _, had := d.Links[first]; had || !has || len(d.Links) != 1 {
		t.Errorf("left are %+v, want Dana's alone", d.Links)
	}
}

func TestWhatWasGivenUpIsListedAndTriedAgainByTheOperator(t *testing.T) {
	dead := []admin.GivenUp{{Kind: "cards", Key: "req_1", Since: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), Tries: 20, Why: "not_in_channel"}}
	w := newWorldWith(t, func(c *admin.Config) {
		c.GivenUp = func(context.Context) ([]admin.GivenUp, error) { return dead, nil }
		c.Retry = func(context.Context) (int, error) { n := len(dead); dead = nil; return n, nil }
	})
	if got := call[admin.GivenUps](w, http.MethodGet, "/v1/channels/given-up", ""); len(got.GivenUp) != 1 || got.GivenUp[0] != dead[0] {
		t.Errorf("got %+v, want %+v", got.GivenUp, dead)
	}
	if got := call[admin.Retried](w, http.MethodPost, "/v1/channels/retry", ""); got.Retried != 1 {
		t.Errorf("%d are tried again, want 1", got.Retried)
	}
	none := newWorld(t)
	if got := call[admin.GivenUps](none, http.MethodGet, "/v1/channels/given-up", ""); len(got.GivenUp) != 0 {
		t.Errorf("without a chat: got %+v", got.GivenUp)
	}
}
