package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

// reader is a client of the role's.
func (w *world) reader(role string) *client.Client {
	w.t.Helper()
	address := w.url
	if role == admin {
		address = w.admin
	}
	c, err := client.New(address, client.Config{Token: w.tokens[role], Transport: signedIn{role, w.tokens[role] == ""}})
	must(w.t, err)
	return c
}

// signedIn sends a person's session along.
type signedIn struct {
	name string
	send bool
}

func (s signedIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.send {
		r.AddCookie(&http.Cookie{Name: "session", Value: s.name})
	}
	return http.DefaultTransport.RoundTrip(r)
}

// take reads n events after the place.
func (w *world) take(role, after string, n int) []client.Event {
	w.t.Helper()
	var got []client.Event
	if n == 0 {
		return got
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	for e, err := range w.reader(role).Events(ctx, after) {
		must(w.t, err)
		b, err := json.Marshal(e)
		must(w.t, err)
		w.check.validate(w.t, "#/components/schemas/Event", b)
		if got = append(got, e); len(got) == n {
			return got
		}
	}
	w.t.Fatalf("%s got %d of %d events: %s", role, len(got), n, kinds(got))
	return nil
}

func kinds(events []client.Event) string {
	var list []string
	for _, e := range events {
		list = append(list, e.Kind)
	}
	return strings.Join(list, " ")
}

func (w *world) last() string {
	w.t.Helper()
	return decode[client.Page](w.t, w.send(call{as: admin, method: "GET", path: "/v1/requests?limit=1"})).After
}

func TestAReaderGetsWhatItMaySeeAndNothingElse(t *testing.T) {
	w := newWorld(t)
	after := w.last()
	other := w.send(call{as: otherBot, method: "POST", path: "/v1/requests", body: asked("read_text_file", "/srv/x")}).request(t)
	r := w.held()
	w.allowed()
	must(t, w.gate.SetGroup(t.Context(), countersign.Who{Actor: countersign.Operator()}, "new", nil))
	w.decide(bob, r, "reject").wants(t, 201, "")

	const ran = "requested allowed released completed"
	for role, want := range map[string]string{
		bot:      "requested held " + ran + " decided",
		otherBot: ran,
		alice:    "requested held " + ran + " group.changed decided",
		bob:      "requested held group.changed decided",
		dave:     ran + " group.changed",
		admin:    ran + " requested held " + ran + " group.changed decided",
	} {
		got := w.take(role, after, len(strings.Fields(want)))
		if kinds(got) != want {
			t.Errorf("%s reads %s, want %s", role, kinds(got), want)
		}
		for _, e := range got {
			if role == bot && e.Request == other.ID {
				t.Errorf("the bot reads of another agent's %s", e.Request)
			}
		}
	}
}

func TestAReaderWhoComesBackMissesNothingAndGetsNothingTwice(t *testing.T) {
	w := newWorld(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	after := w.last()
	writing := make(chan struct{})
	const requests = 40
	go func() {
		defer close(writing)
		for range requests {
			w.allowed()
		}
	}()
	var got []client.Event
	for len(got) < requests*4 {
		last := after
		if len(got) > 0 {
			last = got[len(got)-1].Index
		}
		got = append(got, w.take(bot, last, min(1+random.IntN(20), requests*4-len(got)))...)
	}
	<-writing
	all := w.take(bot, after, requests*4)
	if !slices.Equal(got, all) {
		t.Errorf("in pieces the reader got %d events that differ from the %d read at once:\n%s\n%s", len(got), len(all), kinds(got), kinds(all))
	}
}

func TestAStreamThatIsCutResumes(t *testing.T) {
	w := newWorld(t)
	after := w.last()
	cut := &cutting{}
	c, err := client.New(w.url, client.Config{Token: w.tokens[bot], Transport: cut})
	must(t, err)
	want := strings.Repeat(" requested allowed released completed", 3)
	w.allowed()
	var got []client.Event
	for e, err := range c.Events(t.Context(), after) {
		must(t, err)
		if got = append(got, e); len(got) == 12 {
			break
		}
		if e.Kind == "completed" {
			cut.end()
			w.allowed()
		}
	}
	if kinds(got) != strings.TrimSpace(want) {
		t.Errorf("got %s, want%s", kinds(got), want)
	}
	if cut.made != 3 {
		t.Errorf("%d connections were made, want 3", cut.made)
	}
}

// cutting is a transport whose responses can be cut off.
type cutting struct {
	made int
	end  context.CancelFunc
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	c.made, c.end = c.made+1, cancel
	return http.DefaultTransport.RoundTrip(r.WithContext(ctx))
}

func TestAStreamBeginsWithItsPlace(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp := w.open(ctx, call{as: bot, method: "GET", path: "/v1/events"})
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	var got []string
	for lines.Scan() && lines.Text() != "" {
		got = append(got, lines.Text())
	}
	if want := []string{"retry: 2000", "id: " + w.last()}; !slices.Equal(got, want) {
		t.Errorf("the stream begins %q, want %q", got, want)
	}
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("Content-Type is %q, want text/event-stream", kind)
	}
}

func TestARevocationEndsTheStream(t *testing.T) {
	w := newWorld(t)
	after := w.last()
	r := w.held()
	for e, err := range w.reader(bot).Events(t.Context(), after) {
		if err != nil {
			if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "unauthenticated" {
				t.Errorf("the stream ends with %v, want unauthenticated", err)
			}
			return
		}
		switch e.Kind {
		case "held":
			d, err := w.gate.Directory(t.Context())
			must(t, err)
			a := d.Agents[w.ids[bot]]
			a.Inactive = true
			must(t, w.gate.SetAgent(t.Context(), countersign.Who{Actor: countersign.Operator()}, a))
			w.decide(bob, r, "reject").wants(t, 201, "")
		case "decided":
			t.Fatal("an inactive agent is still told what happens")
		}
	}
}

func TestAPlaceThatTheLogHasNotIsAConflict(t *testing.T) {
	w := newWorld(t)
	for id, want := range map[string]int{"1000000": 409, "x": 400, "-2": 400, "99999999999999999999": 400, fmt.Sprint(-1): 200} {
		ctx, cancel := context.WithCancel(t.Context())
		resp := w.open(ctx, call{as: bot, method: "GET", path: "/v1/events", header: http.Header{"Last-Event-Id": {id}}})
		if resp.StatusCode != want {
			t.Errorf("from %s: got %d, want %d", id, resp.StatusCode, want)
		}
		cancel()
		resp.Body.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := errors.New("nothing")
	for _, err = range w.reader(bot).Events(ctx, "1000000") {
	}
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "conflict" {
		t.Errorf("the client gives %v, want the conflict", err)
	}
}

func TestTheClientSpeaksTheWholeContract(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	agent := w.reader(bot)
	ask := client.Ask{Resource: "mcp/files", Reason: "x", Command: client.Command{
		Kind: "mcp.request", Method: "tools/call", Params: `{"name":"write_file","arguments":{"path":"/srv/a"}}`,
	}}
	r, err := agent.Submit(ctx, ask, 0)
	must(t, err)
	if r.Settled() || r.Decision != client.DecisionPending {
		t.Fatalf("got %s, want pending", r.Decision)
	}
	again := ask
	again.Command = r.Command // what a request holds can be asked again as it is
	if same, err := agent.Submit(ctx, again, 0); err != nil || same.ID != r.ID {
		t.Errorf("the request's own command asks for %s, %v; want %s joined", same.ID, err, r.ID)
	}
	if _, err := agent.Decide(ctx, r.ID, client.Choice{Choice: "approve", Digest: r.Digest}); problemCode(err) != "assurance_too_low" {
		t.Errorf("an agent's approval: got %v, want assurance_too_low", err)
	}
	w.decide(bob, r, "approve").wants(t, 201, "")
	if got, err := agent.Get(ctx, r.ID, r.Version, 300e9); err != nil || got.Decision != client.DecisionApproved {
		t.Errorf("got %s, %v; want approved", got.Decision, err)
	}
	ran, err := agent.Run(ctx, r.ID, 0)
	must(t, err)
	result, err := agent.Result(ctx, r.ID)
	must(t, err)
	if ran.Execution != client.ExecutionSucceeded || ran.Result == "" || string(result) != ran.Result {
		t.Errorf("run gave %s with %q, and the result kept is %q", ran.Execution, ran.Result, result)
	}
	if receipt, err := agent.Receipt(ctx, r.ID); err != nil || !strings.Contains(string(receipt), r.ID) {
		t.Errorf("the receipt is %.80q, %v", receipt, err)
	}
	ask.Command.Params = `{"name":"write_file","arguments":{"path":"/srv/b"}}`
	second, err := agent.Submit(ctx, ask, 0)
	must(t, err)
	if gone, err := agent.Withdraw(ctx, second.ID, "no need"); err != nil || gone.Decision != client.DecisionWithdrawn {
		t.Errorf("got %s, %v; want withdrawn", gone.Decision, err)
	}
	page, err := agent.List(ctx, client.Query{Decision: client.DecisionWithdrawn, Limit: 10})
	if err != nil || len(page.Requests) != 1 || page.Requests[0].ID != second.ID {
		t.Errorf("the list has %d, %v; want %s", len(page.Requests), err, second.ID)
	}
	if _, err := w.reader(otherBot).Get(ctx, r.ID, 0, 0); problemCode(err) != "not_found" {
		t.Errorf("another agent: got %v, want not_found", err)
	}
}

func problemCode(err error) string {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return p.Code
	}
	return ""
}
