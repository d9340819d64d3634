package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger/receipt"
	"github.com/countersignhq/countersign/server/rest"
)

func TestALongPollReturnsAtTheNextChange(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	path := "/v1/requests/" + r.ID
	if got := w.send(call{as: bot, method: "GET", path: path + "?wait=300&after=1"}).request(t); got.Version != r.Version {
		t.Errorf("version %d is known to be over 1 and the call waited for %d", r.Version, got.Version)
	}
	polled := make(chan answered, 1)
	go func() {
		polled <- w.send(call{as: bot, method: "GET", path: path + "?wait=300&after=" + strconv.FormatUint(r.Version, 10)})
	}()
	rejected := w.decide(bob, r, "reject").request(t)
	if got := (<-polled).request(t); got.Version != rejected.Version || got.Decision != client.DecisionRejected {
		t.Errorf("the poll returned version %d, %s; want %d, rejected", got.Version, got.Decision, rejected.Version)
	}
	for _, query := range []string{"?wait=x", "?after=-1", "?wiat=3", "?wait=1&wait=2", "?wait=1;after=2"} {
		w.send(call{as: bot, method: "GET", path: path + query}).wants(t, 400, countersign.CodeBadRequest)
	}
	if p := w.send(call{as: bot, method: "GET", path: path + "?wiat=3"}).problem(t); p.Hint != "did you mean wait?" {
		t.Errorf("hint is %q, want did you mean wait?", p.Hint)
	}
}

func TestALongPollOutlivesTheServersOwnDeadlinesAndEndsWhenItsTimeIsOver(t *testing.T) {
	w := newWorld(t)
	s := httptest.NewUnstartedServer(New(w.gate, w.store, Config{}))
	s.Config.ReadTimeout, s.Config.WriteTimeout = 500*time.Millisecond, 500*time.Millisecond
	s.Start()
	defer s.Close()
	w.url = s.URL
	r := w.held()
	for _, c := range []call{
		{as: bot, method: "GET", path: "/v1/requests/" + r.ID + "?wait=1"},
		{as: bot, method: "POST", path: "/v1/requests/" + r.ID + "/run", header: http.Header{"Prefer": {"wait=1"}}},
	} {
		if got := w.send(c).request(t); got.Version != r.Version {
			t.Errorf("%s: got version %d, want %d as it was", c.path, got.Version, r.Version)
		}
	}
}

func TestAListIsFilteredAndPaged(t *testing.T) {
	w := newWorld(t)
	var ran []string
	for range 5 {
		ran = append([]string{w.allowed().ID}, ran...)
	}
	held := w.held()
	tests := []struct {
		query string
		want  string
	}{
		{"", strings.Join(append([]string{held.ID}, ran...), " ")},
		{"decision=pending", held.ID},
		{"execution=succeeded", strings.Join(ran, " ")},
		{"resource=mcp/other", ""},
		{"digest=" + url.QueryEscape(held.Digest), held.ID},
		{"requester=" + w.ids[bot] + "&decision=pending", held.ID},
		{"requester=" + w.ids[otherBot], ""},
		{"since=" + url.QueryEscape(w.now().Add(time.Hour).Format(time.RFC3339)), ""},
	}
	for _, role := range []string{bot, alice, admin} {
		for _, tt := range tests {
			if got := strings.Join(w.list(role, tt.query), " "); got != tt.want {
				t.Errorf("%s lists %q as\n%s, want\n%s", role, tt.query, got, tt.want)
			}
		}
		var paged []string
		for cursor := ""; ; {
			page := decode[client.Page](t, w.send(call{as: role, method: "GET", path: "/v1/requests?limit=2&cursor=" + url.QueryEscape(cursor)}))
			for _, r := range page.Requests {
				paged = append(paged, r.ID)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if got := strings.Join(paged, " "); got != tests[0].want {
			t.Errorf("%s pages through\n%s, want\n%s", role, got, tests[0].want)
		}
	}
	for _, query := range []string{"decision=maybe", "execution=ran", "digest=abc", "since=yesterday", "limit=many", "descision=pending", "cursor=nothing"} {
		w.send(call{as: bot, method: "GET", path: "/v1/requests?" + query}).wants(t, 400, countersign.CodeBadRequest)
	}
}

func TestAPersonsPageIsNotEmptyWhileSomethingOfTheirsIsFurtherOn(t *testing.T) {
	w := newWorld(t)
	held := w.held()
	for range 7 {
		w.allowed() // bob may see none of them
	}
	page := decode[client.Page](t, w.send(call{as: bob, method: "GET", path: "/v1/requests?limit=2"}))
	if len(page.Requests) != 1 || page.Requests[0].ID != held.ID {
		t.Errorf("bob's first page is %+v, want %s", page.Requests, held.ID)
	}
}

func TestABearerTokenDecidesNothing(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	for _, as := range []string{bot, otherBot} {
		w.decide(as, r, "approve").wants(t, 403, countersign.CodeAssuranceTooLow)
		w.decide(as, r, "reject").wants(t, 403, countersign.CodeForbidden)
		w.decide(as, r, "escalate").wants(t, 403, countersign.CodeForbidden)
	}
	if after := w.send(call{as: bot, method: "GET", path: "/v1/requests/" + r.ID}).request(t); after.Version != r.Version {
		t.Errorf("the request is at version %d, want %d untouched", after.Version, r.Version)
	}
}

func TestADecisionThatDoesNotCountIsToldAsAProblem(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	path := "/v1/requests/" + r.ID + "/decisions"
	other := w.held()
	send := func(as string, c client.Choice) answered {
		b, err := json.Marshal(c)
		must(t, err)
		return w.send(call{as: as, method: "POST", path: path, body: string(b)})
	}
	approve := client.Choice{Choice: "approve", Digest: r.Digest, ViewDigest: r.ViewDigest}
	with := func(change func(*client.Choice)) client.Choice { c := approve; change(&c); return c }

	send(alice, approve).wants(t, 403, countersign.CodeSelfApproval)
	send(dave, approve).wants(t, 403, countersign.CodeNotAReviewer)
	send(bob, with(func(c *client.Choice) { c.Digest = other.Digest })).wants(t, 422, countersign.CodeDigestMismatch)
	send(bob, with(func(c *client.Choice) { c.ViewDigest = other.ViewDigest })).wants(t, 409, countersign.CodeViewChanged)
	send(bob, with(func(c *client.Choice) { c.Choice = "reject" })).wants(t, 422, countersign.CodeReasonRequired)
	send(bob, with(func(c *client.Choice) { c.Choice, c.Reason, c.To = "escalate", "x", "nobody" })).wants(t, 422, countersign.CodeUnknownGroup)
	send(bob, with(func(c *client.Choice) { c.Choice = "aprove" })).wants(t, 400, countersign.CodeBadRequest)
	send(bob, with(func(c *client.Choice) { c.Digest = "sha256:00" })).wants(t, 400, countersign.CodeBadRequest)
	send(bob, with(func(c *client.Choice) { c.Assertion = json.RawMessage(`{}`) })).wants(t, 403, countersign.CodePasskeyInvalid)
	send(bob, with(func(c *client.Choice) { c.Assertion = json.RawMessage(`{"ceremonie":""}`) })).wants(t, 400, countersign.CodeBadRequest)
	w.signedIn = func(a rest.AuthInfo) rest.AuthInfo { a.AuthTime = a.AuthTime.Add(-16 * time.Minute); return a }
	send(bob, approve).wants(t, 403, countersign.CodeAssuranceTooLow)
	w.signedIn = func(a rest.AuthInfo) rest.AuthInfo { a.AuthTime = time.Time{}; return a }
	send(bob, approve).wants(t, 403, countersign.CodeAssuranceTooLow)
	w.signedIn = nil
	send(bob, approve).wants(t, 201, "")
	late := send(carol, approve)
	late.wants(t, 409, countersign.CodeAlreadySettled)
	if p := late.problem(t); !strings.Contains(p.Detail, bob) || p.Request != r.ID {
		t.Errorf("the loser is told %q about %s, want who decided, about %s", p.Detail, p.Request, r.ID)
	}
	if p := send(dave, approve).problem(t); p.Code != "not_found" || strings.Contains(p.Detail, bob) {
		t.Errorf("a stranger is told %+v, want not_found and no name", p)
	}
}

func TestAnotherSitesPageCannotUseASession(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	for _, from := range []string{"", "null", "https://evil.example", "http://gate.example", "https://gate.example:8480", "https://gate.example.evil", "https://GATE.example", origin + "/"} {
		c := call{as: bob, method: "POST", path: "/v1/requests/" + r.ID + "/decisions", body: choice(r, "approve"), header: http.Header{"Origin": {from}}}
		w.send(c).wants(t, 403, countersign.CodeForbidden)
		got := w.send(call{as: bob, method: "GET", path: "/v1/requests/" + r.ID, header: http.Header{"Origin": {from}}})
		got.wants(t, 200, "")
		for name := range got.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: another origin may read it: %s", from, name)
			}
		}
	}
	c := call{as: bob, method: "POST", path: "/v1/requests/" + r.ID + "/decisions", body: choice(r, "approve"), header: http.Header{"Origin": {origin, origin}}}
	w.send(c).wants(t, 403, countersign.CodeForbidden)
	w.send(call{as: nobody, method: "OPTIONS", path: "/v1/requests", header: http.Header{"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"POST"}}}).wants(t, 405, "")
}

func TestNothingThatIsFetchedChangesAnything(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	w.decide(bob, r, "approve").wants(t, 201, "")
	before, err := w.store.Head(t.Context())
	must(t, err)
	for _, rt := range everyRoute() {
		for _, method := range []string{"GET", "HEAD"} {
			for _, role := range roles {
				path := strings.ReplaceAll(rt.Path, "{id}", r.ID)
				if path == "/v1/events" && method == "GET" {
					continue
				}
				status := w.send(call{as: role, method: method, path: path + "?"}).status
				fetched := slices.ContainsFunc(everyRoute(), func(o rest.Route) bool { return o.Method == "GET" && o.Path == rt.Path })
				if rt.Method == "POST" && !fetched && status != 405 {
					t.Errorf("%s %s as %s: got %d, want 405", method, path, role, status)
				}
			}
		}
	}
	after, err := w.store.Head(t.Context())
	must(t, err)
	if before.Size != after.Size {
		t.Errorf("fetching appended %d leaves", after.Size-before.Size)
	}
	if w.ran.times(r.ID) != 0 {
		t.Error("fetching ran an approved request")
	}
}

func TestOnlyAResultThatWasFetchedWholeCountsAsDelivered(t *testing.T) {
	w := newWorld(t)
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	r := w.held()
	w.decide(bob, r, "approve").wants(t, 201, "")
	submit := func() gate.Result {
		result, err := w.gate.Submit(atOnce(), gate.Ask{By: d.Agents[w.ids[bot]].Principal(), Command: countersign.MCPRequest{
			Resource: "mcp/files", Method: r.Command.Method, Params: []byte(r.Command.Params),
		}}, io.Discard)
		must(t, err)
		return result
	}
	if ran, ok := submit().(gate.Done); !ok || string(ran.Request.ID) != r.ID {
		t.Fatalf("the same ask after the approval is %+v, want %s run", ran.Request, r.ID)
	}
	path := "/v1/requests/" + r.ID + "/result"
	w.send(call{as: bot, method: "HEAD", path: path}).wants(t, 200, "")
	if again, ok := submit().(gate.Done); !ok || string(again.Request.ID) != r.ID {
		t.Errorf("after a HEAD the same ask is %s, want %s joined", again.Request.ID, r.ID)
	}
	w.send(call{as: bot, method: "GET", path: path}).wants(t, 200, "")
	if _, ok := submit().(gate.Pending); !ok {
		t.Errorf("after the result was fetched the same ask joins %s, want a new request", r.ID)
	}
}

func TestWhatDidNotRunHasNoResult(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	path := "/v1/requests/" + r.ID + "/result"
	w.send(call{as: bot, method: "GET", path: path}).wants(t, 409, countersign.CodePending)
	w.decide(bob, r, "reject").wants(t, 201, "")
	w.send(call{as: bot, method: "GET", path: path}).wants(t, 404, countersign.CodeNotFound)
}

func TestAReceiptVerifiesByTheLogsKeyAlone(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	w.allowed()
	w.decide(bob, r, "approve").wants(t, 201, "")
	w.send(call{as: bot, method: "POST", path: "/v1/requests/" + r.ID + "/run"}).wants(t, 200, "")
	got := w.send(call{as: bob, method: "GET", path: "/v1/requests/" + r.ID + "/receipt"})
	got.wants(t, 200, "")
	if report := receipt.Verify(got.body, w.trust); !report.Holds {
		t.Errorf("the receipt does not verify: %+v", report)
	}
	if want := `filename=` + r.ID + `.receipt.json`; !strings.Contains(got.header.Get("Content-Disposition"), want) {
		t.Errorf("Content-Disposition is %q, want %s in it", got.header.Get("Content-Disposition"), want)
	}
}

func TestTheBriefIsWhatIsDecided(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	got := decode[struct {
		ViewDigest string `json:"view_digest"`
		Approvable bool   `json:"approvable"`
	}](t, w.send(call{as: bob, method: "GET", path: "/v1/requests/" + r.ID + "/brief"}))
	if got.ViewDigest != r.ViewDigest || !got.Approvable {
		t.Errorf("the brief is %+v, want approvable with view %s", got, r.ViewDigest)
	}
}

func TestWhatIsNotThereIsAProblemToo(t *testing.T) {
	w := newWorld(t)
	w.send(call{as: bot, method: "GET", path: "/v1/nothing"}).wants(t, 404, countersign.CodeNotFound)
	w.send(call{as: bot, method: "GET", path: "/v1/requests/req_000000000000"}).wants(t, 404, countersign.CodeNotFound)
	w.send(call{as: bob, method: "POST", path: "/v1/requests/req_000000000000/decisions", body: `{"choice":"reject","digest":"sha256:` + strings.Repeat("0", 64) + `","reason":"x"}`}).wants(t, 404, countersign.CodeNotFound)
	got := w.send(call{as: bot, method: "DELETE", path: "/v1/requests"})
	got.wants(t, 405, "")
	if allow := got.header.Get("Allow"); allow != "GET, HEAD, POST" {
		t.Errorf("Allow is %q, want GET, HEAD, POST", allow)
	}
}
