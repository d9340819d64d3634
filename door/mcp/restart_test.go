package mcp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
)

// keyed is a door whose sessions outlive it.
func keyed() mcp.Config {
	return mcp.Config{Budgets: hurried(), StateKey: []byte("a key of the gateway's own......")}
}

func TestASessionGoesOnAfterARestart(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(said))
	cfg := keyed()
	cfg.Describe = func(context.Context, string) (json.RawMessage, string, error) {
		return json.RawMessage(`{"resources":{}}`), "", nil
	}
	s := serve(t, h, cfg)
	x := s.open("hurried")
	if g := x.send(t.Context(), call("write_file", `{"n":1}`)); g.member("result", "structuredContent", "status") != `"pending_approval"` {
		t.Fatalf("before the restart: got %s, want pending_approval", g.body)
	}
	first := h.Held(t)
	s.restart()
	// Its name is known still, or the call would wait 50 seconds.
	if g := x.send(t.Context(), call("write_file", `{"n":2}`)); g.member("result", "structuredContent", "status") != `"pending_approval"` {
		t.Errorf("after the restart: got %d %s, want pending_approval", g.status, g.body)
	}
	if second := h.Held(t, first.ID); second.Origin.Client != "hurried/1" {
		t.Errorf("the call is of the client %q, want hurried/1", second.Origin.Client)
	}
	if g := x.send(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); !strings.HasPrefix(g.member("result", "tools"), `[{"name":"countersign_wait"`) {
		t.Errorf("tools/list: got %s, want our tools alone, as before", g.body)
	}
	h.Approve(t, first.ID)
	if g := x.send(t.Context(), call("write_file", `{"n":1}`)); g.member("result") != `{"content":[{"type":"text","text":"done"}]}` {
		t.Errorf("the call of before, made again: got %s, want its result", g.body)
	}
	wantRan(t, h, "tools/call")
	s.revoked.Store(true)
	s.restart()
	if g := x.send(t.Context(), ping); g.status != http.StatusUnauthorized {
		t.Errorf("once the token is revoked: got %d %s, want 401", g.status, g.body)
	}
}

func TestASessionOfBeforeTheRestartIsItsHoldersAlone(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	more := files()
	more.Name = "mcp/more"
	operator := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
	if err := h.Gate.SetResource(t.Context(), operator, more); err != nil {
		t.Fatal(err)
	}
	s := serve(t, h, keyed())
	s.delegated = map[string]countersign.Who{"for-bob": {Actor: h.Agent.Principal(), OnBehalfOf: []countersign.Principal{h.Bob.Principal()}}}
	x := s.open("patient")
	s.restart()
	ask := func(method, token, path, session string) int {
		r := s.request(t.Context(), ping)
		r.Method, r.URL.Path = method, path
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Mcp-Session-Id", session)
		return do(r).status
	}
	for _, c := range []struct {
		name, method, token, path, session string
		want                               int
	}{
		{"another agent", "POST", "other", "/mcp/files", x.session, 404},
		{"another chain", "POST", "for-bob", "/mcp/files", x.session, 404},
		{"another resource", "POST", "agent", "/mcp/more", x.session, 404},
		{"another agent that ends it", "DELETE", "other", "/mcp/files", x.session, 404},
		{"its holder", "POST", "agent", "/mcp/files", x.session, 200},
		{"its holder that ends it", "DELETE", "agent", "/mcp/files", x.session, 204},
		{"ended", "POST", "agent", "/mcp/files", x.session, 404},
	} {
		if got := ask(c.method, c.token, c.path, c.session); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
	own := s.open("patient")
	if got := ask("DELETE", "agent", "/mcp/files", own.session); got != 204 {
		t.Errorf("DELETE: got %d, want 204", got)
	}
	if g := own.send(t.Context(), ping); g.status != http.StatusNotFound {
		t.Errorf("begun and ended in one gateway: got %d, want 404", g.status)
	}
}

func TestWithoutAKeyOfItsOwnTheSessionsOfADoorEndWithIt(t *testing.T) {
	s := serve(t, doortest.New(t, files(), policyText), mcp.Config{})
	x := s.open("patient")
	s.restart()
	if g := x.send(t.Context(), ping); g.status != http.StatusNotFound {
		t.Errorf("got %d %s, want 404", g.status, g.body)
	}
}
