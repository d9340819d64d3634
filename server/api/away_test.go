package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

func TestAPersonIsAwayAndComesBack(t *testing.T) {
	w := newWorld(t)
	put := func(in client.NewAway) answered {
		return w.send(call{as: bob, method: "PUT", path: "/v1/me/away", body: sent(t, in)})
	}
	until := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	put(client.NewAway{}).wants(t, http.StatusBadRequest, countersign.CodeBadRequest)
	put(client.NewAway{Until: until, StandIn: dave}).wants(t, http.StatusForbidden, countersign.CodeAssuranceTooLow)
	put(client.NewAway{Until: until.AddDate(0, 3, 0)}).wants(t, http.StatusBadRequest, countersign.CodeBadRequest)
	got := put(client.NewAway{Until: until, Reason: "holiday"})
	got.wants(t, http.StatusOK, "")
	mine := decode[client.MyAway](t, got)
	if mine.Away == nil || !mine.Away.Now || !mine.Away.Until.Equal(until) || mine.Away.StandIn != "" || len(mine.For) != 0 {
		t.Errorf("bob's absence is %+v", mine)
	}
	r := w.held()
	w.decide(bob, r, "approve").wants(t, http.StatusForbidden, countersign.CodeNotAReviewer)
	people := decode[client.People](t, w.send(call{as: alice, method: "GET", path: "/v1/people"}))
	away := 0
	for _, p := range people.People {
		if p.Away != nil {
			away++
		}
	}
	if away != 1 {
		t.Errorf("%d people are away, want one: %+v", away, people.People)
	}
	back := w.send(call{as: bob, method: "DELETE", path: "/v1/me/away"})
	back.wants(t, http.StatusOK, "")
	if mine := decode[client.MyAway](t, back); mine.Away != nil {
		t.Errorf("back again bob's absence is %+v", mine.Away)
	}
	w.send(call{as: bob, method: "DELETE", path: "/v1/me/away"}).wants(t, http.StatusConflict, countersign.CodeConflict)
	w.send(call{as: bob, method: "GET", path: "/v1/me/away"}).wants(t, http.StatusOK, "")
	w.decide(bob, w.held(), "approve").wants(t, http.StatusCreated, "")
}

func TestNamingAStandInWaitsForTwoOthers(t *testing.T) {
	w := newWorld(t)
	first := w.enrolled(bob)
	second := w.enrolled(alice, first)
	third := w.enrolled(dave, first)
	first.signIn().wants(t, http.StatusOK, "")
	until := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	got := first.send("PUT", "/v1/me/away", client.NewAway{Until: until, StandIn: "local|" + dave, Reason: "holiday"})
	got.wants(t, http.StatusAccepted, "")
	waits := decode[struct {
		Request string `json:"request"`
	}](t, got)
	if at := got.header.Get("Location"); at != "/v1/requests/"+waits.Request {
		t.Errorf("it waits at %q, want %s", at, waits.Request)
	}
	for _, b := range []*browser{second, third} {
		r := decode[client.Request](t, b.send("GET", "/v1/requests/"+waits.Request, nil))
		b.decide(r, "approve", b.get(b.challenge(r, "approve"))).wants(t, http.StatusCreated, "")
	}
	mine := decode[client.MyAway](t, third.send("GET", "/v1/me/away", nil))
	if len(mine.For) != 1 || mine.For[0].StandInID == "" || !mine.For[0].Now {
		t.Errorf("dave stands in for %+v, want for bob, now", mine.For)
	}
	first.send("PUT", "/v1/me/away", client.NewAway{Until: until, StandIn: "nobody"}).wants(t, http.StatusNotFound, countersign.CodeNotFound)
	first.send("DELETE", "/v1/me/away", nil).wants(t, http.StatusOK, "")
}
