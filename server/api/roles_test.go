package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

// roles are who may call, in the order of the columns below.
var roles = []string{nobody, bot, otherBot, alice, bob, dave, admin}

// may is what each role is answered on each route, about a request that the bot
// asked for and platform decides. Alice owns the bot, bob is of platform, and
// dave has nothing to do with it.
var may = map[string][]int{
	//                                    nobody bot other alice bob dave admin
	"POST /v1/requests":                             {401, 202, 202, 403, 403, 403, 403},
	"GET /v1/requests":                              {401, 200, 200, 200, 200, 200, 200},
	"GET /v1/requests/{id}":                         {401, 200, 404, 200, 200, 404, 200},
	"GET /v1/requests/{id}/brief":                   {401, 200, 404, 200, 200, 404, 200},
	"GET /v1/requests/{id}/receipt":                 {401, 200, 404, 200, 200, 404, 200},
	"POST /v1/requests/{id}/decisions":              {401, 403, 403, 403, 201, 403, 403},
	"POST /v1/requests/{id}/run":                    {401, 202, 404, 403, 403, 403, 403},
	"POST /v1/requests/{id}/withdraw":               {401, 200, 404, 403, 403, 403, 200},
	"GET /v1/requests/{id}/result":                  {401, 409, 404, 403, 403, 403, 403},
	"POST /v1/requests/{id}/challenge":              {401, 403, 403, 403, 403, 404, 403},
	"POST /v1/requests/{id}/reveal":                 {401, 403, 403, 422, 422, 404, 403},
	"POST /v1/changes":                              {401, 403, 403, 403, 403, 403, 400},
	"POST /v1/decisions":                            {401, 403, 403, 400, 400, 400, 403},
	"GET /v1/insight":                               {401, 403, 403, 200, 200, 200, 200},
	"GET /v1/holds":                                 {401, 403, 403, 200, 200, 200, 200},
	"POST /v1/holds":                                {401, 403, 403, 400, 400, 400, 400},
	"DELETE /v1/holds/{id}":                         {401, 403, 403, 404, 404, 404, 404},
	"POST /v1/session/challenge":                    {403, 403, 403, 200, 200, 200, 403},
	"POST /v1/session":                              {403, 403, 403, 403, 403, 403, 403},
	"DELETE /v1/session":                            {401, 403, 403, 204, 204, 204, 403},
	"POST /v1/passkeys/challenge":                   {403, 403, 403, 200, 200, 200, 403},
	"POST /v1/passkeys":                             {403, 403, 403, 403, 403, 403, 403},
	"DELETE /v1/passkeys/{id}":                      {401, 403, 403, 403, 403, 403, 404},
	"POST /v1/passkeys/{id}/confirm":                {401, 403, 403, 403, 403, 403, 403},
	"GET /v1/invites":                               {401, 403, 403, 200, 200, 200, 403},
	"POST /v1/invites":                              {401, 403, 403, 403, 403, 403, 403},
	"DELETE /v1/invites/{id}":                       {401, 403, 403, 404, 404, 404, 403},
	"POST /v1/recovery":                             {403, 403, 403, 401, 401, 401, 403},
	"POST /v1/recovery/codes":                       {401, 403, 403, 403, 403, 403, 403},
	"GET /v1/notices":                               {401, 403, 403, 200, 200, 200, 403},
	"GET /v1/links":                                 {401, 403, 403, 200, 200, 200, 403},
	"POST /v1/links":                                {401, 403, 403, 404, 404, 404, 403},
	"DELETE /v1/links/{chat}/{workspace}/{account}": {401, 403, 403, 404, 404, 404, 403},
	"GET /v1/me":                                    {401, 403, 403, 200, 200, 200, 403},
	"GET /v1/me/away":                               {401, 403, 403, 200, 200, 200, 403},
	"PUT /v1/me/away":                               {401, 403, 403, 400, 400, 400, 403},
	"DELETE /v1/me/away":                            {401, 403, 403, 409, 409, 409, 403},
	"GET /v1/inbox":                                 {401, 403, 403, 200, 200, 200, 403},
	"GET /v1/history":                               {401, 403, 403, 200, 200, 200, 200},
	"GET /v1/events":                                {401, 200, 200, 200, 200, 200, 200},
	"GET /v1/resources":                             {401, 403, 403, 200, 200, 200, 200},
	"GET /v1/agents":                                {401, 403, 403, 200, 200, 200, 200},
	"GET /v1/people":                                {401, 403, 403, 200, 200, 200, 200},
	"GET /v1/policy":                                {401, 403, 403, 200, 200, 200, 200},
	"POST /v1/policy/explain":                       {401, 403, 403, 200, 200, 200, 200},
	"GET /v1/openapi.yaml":                          {200, 200, 200, 200, 200, 200, 200},
}

func TestEveryRouteAnswersEveryRoleAsTheTableSays(t *testing.T) {
	w := newWorld(t)
	routes := everyRoute()
	if len(routes) != len(may) {
		t.Errorf("the table has %d routes, and there are %d", len(may), len(routes))
	}
	for _, rt := range routes {
		name := rt.Method + " " + rt.Path
		row, ok := may[name]
		if !ok {
			t.Errorf("the table lacks %s", name)
			continue
		}
		r := w.held()
		for i, role := range roles {
			c := call{as: role, method: rt.Method, path: strings.ReplaceAll(rt.Path, "{id}", r.ID)}
			switch {
			case strings.HasSuffix(rt.Path, "/decisions"), strings.HasSuffix(rt.Path, "{id}/challenge"):
				c.body = choice(r, "reject")
			case rt.Path == "/v1/requests" && rt.Method == "POST", rt.Path == "/v1/policy/explain":
				c.body = asked("write_file", role+name)
			}
			got := w.status(c)
			if got != row[i] {
				t.Errorf("%s as %s: got %d, want %d", name, role, got, row[i])
			}
			if rt.Method == "POST" && got < 300 {
				r = w.held()
			}
		}
	}
}

// status is the status of a call that may not end by itself.
func (w *world) status(c call) int {
	w.t.Helper()
	if !strings.HasSuffix(c.path, "/v1/events") {
		return w.send(c).status
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	resp := w.open(ctx, c)
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestAListHoldsWhatItsCallerMaySee(t *testing.T) {
	w := newWorld(t)
	held, ran := w.held(), w.allowed()
	decided := w.held()
	w.decide(bob, decided, "reject").wants(t, http.StatusCreated, "")
	want := map[string][]string{
		bot:      {held.ID, ran.ID, decided.ID},
		otherBot: {},
		alice:    {held.ID, ran.ID, decided.ID},
		bob:      {held.ID, decided.ID},
		dave:     {},
		admin:    {held.ID, ran.ID, decided.ID},
	}
	for _, role := range slices.Sorted(maps.Keys(want)) {
		got := w.list(role, "")
		if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want[role]))) {
			t.Errorf("%s sees %v, want %v", role, got, want[role])
		}
		for _, id := range []string{held.ID, ran.ID, decided.ID} {
			status := w.send(call{as: role, method: "GET", path: "/v1/requests/" + id}).status
			if visible := slices.Contains(want[role], id); visible != (status == 200) {
				t.Errorf("%s gets %d for %s, and its list has it: %v", role, status, id, visible)
			}
		}
	}
}

func (w *world) list(role, query string) []string {
	w.t.Helper()
	ids := []string{}
	for _, r := range decode[client.Page](w.t, w.send(call{as: role, method: "GET", path: "/v1/requests?" + query})).Requests {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestWhoOnlyLaterJoinedAGroupDoesNotSeeWhatWasAskedBefore(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	must(t, w.gate.SetGroup(t.Context(), countersign.Who{Actor: countersign.Operator()}, "platform", []string{w.ids[bob], w.ids[carol], w.ids[dave]}))
	w.send(call{as: dave, method: "GET", path: "/v1/requests/" + r.ID}).wants(t, 404, countersign.CodeNotFound)
	must(t, w.gate.SetGroup(t.Context(), countersign.Who{Actor: countersign.Operator()}, "platform", []string{w.ids[carol], w.ids[dave]}))
	w.send(call{as: bob, method: "GET", path: "/v1/requests/" + r.ID}).wants(t, 404, countersign.CodeNotFound)
}

func TestATeamSeesWhatItsAgentAskedFor(t *testing.T) {
	w := newWorld(t)
	who := countersign.Who{Actor: countersign.Operator()}
	must(t, w.gate.SetGroup(t.Context(), who, "robots", []string{w.ids[dave]}))
	r := w.allowed()
	w.send(call{as: dave, method: "GET", path: "/v1/requests/" + r.ID}).wants(t, 404, countersign.CodeNotFound)
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	a := d.Agents[w.ids[bot]]
	a.Owner = "robots"
	must(t, w.gate.SetAgent(t.Context(), who, a))
	w.send(call{as: dave, method: "GET", path: "/v1/requests/" + r.ID}).wants(t, 200, "")
	w.send(call{as: alice, method: "GET", path: "/v1/requests/" + r.ID}).wants(t, 404, countersign.CodeNotFound)
}

func TestAnInactivePersonsSessionOpensNothing(t *testing.T) {
	w := newWorld(t)
	w.held()
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	p := d.People[w.ids[bob]]
	p.Inactive = true
	_, err = w.gate.SetPerson(t.Context(), countersign.Who{Actor: countersign.Operator()}, p)
	must(t, err)
	w.send(call{as: bob, method: "GET", path: "/v1/requests"}).wants(t, 401, countersign.CodeUnauthenticated)
}

func TestARevokedTokenOpensNothing(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	w.revoke(bot)
	for _, c := range []call{
		{as: bot, method: "POST", path: "/v1/requests", body: asked("read_text_file", "/srv/a")},
		{as: bot, method: "GET", path: "/v1/requests/" + r.ID},
		{as: bot, method: "POST", path: "/v1/requests/" + r.ID + "/run"},
	} {
		got := w.send(c)
		got.wants(t, 401, countersign.CodeUnauthenticated)
		if got.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s %s: WWW-Authenticate is %q, want Bearer", c.method, c.path, got.header.Get("WWW-Authenticate"))
		}
	}
}

func TestATokenIsNotHelpedByASession(t *testing.T) {
	w := newWorld(t)
	header := http.Header{"Authorization": {"Bearer cs_agt_nothing"}, "Cookie": {"session=bob"}, "Origin": {origin}}
	w.send(call{as: nobody, method: "GET", path: "/v1/resources", header: header}).wants(t, 401, countersign.CodeUnauthenticated)
	header["Authorization"] = []string{"Basic Ym9iOmJvYg=="}
	w.send(call{as: nobody, method: "GET", path: "/v1/resources", header: header}).wants(t, 401, countersign.CodeUnauthenticated)
	header["Authorization"] = []string{"Bearer " + w.tokens[bot]}
	w.send(call{as: nobody, method: "GET", path: "/v1/resources", header: header}).wants(t, 403, countersign.CodeForbidden)
}
