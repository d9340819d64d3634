package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/identity/chat"
)

// linkCode is a desk at which Slack alone is connected.
func (w *world) linkCode(ctx context.Context, in string, p chat.Proof) (string, time.Time, error) {
	if in != "slack" {
		return "", time.Time{}, &countersign.Error{Code: countersign.CodeNotFound, Detail: "no chat " + in + " is connected"}
	}
	return chat.New(w.store.Ephemeral(), w.now).Make(ctx, in, p)
}

func TestACodeLinksTheAccountOfItsPersonAndTheyEndTheLink(t *testing.T) {
	w := newWorld(t)
	ask := call{as: bob, method: "POST", path: "/v1/links", body: `{"chat":"slack"}`}
	got := w.send(ask)
	got.wants(t, http.StatusCreated, "")
	var code client.LinkCode
	must(t, json.Unmarshal(got.body, &code))
	proof, err := chat.New(w.store.Ephemeral(), w.now).Take(t.Context(), "slack", code.Code)
	must(t, err)
	if proof.Person != w.ids[bob] || proof.Method != "link" || code.Type != "/countersign link "+code.Code {
		t.Errorf("the code is of %+v and reads %q, want Bob's", proof, code.Type)
	}
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	who := countersign.Who{Actor: d.People[w.ids[bob]].Principal(), Method: proof.Method}
	must(t, w.gate.Link(t.Context(), who, countersign.Link{Chat: "slack", Workspace: "T1", Account: "U1", Name: "bob", Person: w.ids[bob]}))
	links := func(as string) (l client.Links) {
		t.Helper()
		got := w.send(call{as: as, method: "GET", path: "/v1/links"})
		got.wants(t, http.StatusOK, "")
		must(t, json.Unmarshal(got.body, &l))
		return l
	}
	if l := links(bob); len(l.Links) != 1 || l.Links[0].Account != "U1" {
		t.Errorf("Bob has %+v, want one", l)
	}
	if l := links(carol); !slices.Equal(l.Chats, []string{"slack"}) {
		t.Errorf("the chats are %v, want Slack alone", l.Chats)
	}
	if l := links(carol); len(l.Links) != 0 {
		t.Errorf("Carol has %+v, want none", l)
	}
	end := call{as: carol, method: "DELETE", path: "/v1/links/slack/T1/U1"}
	w.send(end).wants(t, http.StatusForbidden, countersign.CodeForbidden)
	end.as = bob
	w.send(end).wants(t, http.StatusNoContent, "")
	w.send(end).wants(t, http.StatusNotFound, countersign.CodeNotFound)
	ask.body = `{"chat":"irc"}`
	w.send(ask).wants(t, http.StatusNotFound, countersign.CodeNotFound)
}
