package gate_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
)

// keyed is the bot calling a tool with an idempotency key.
func (w *world) keyed(key, tool, args string) gate.Ask {
	ask := w.ask(tool, args)
	ask.Key = key
	return ask
}

// requestOf is the request that a result is about.
func requestOf(t testing.TB, result gate.Result) countersign.Request {
	t.Helper()
	switch r := result.(type) {
	case gate.Done:
		return r.Request
	case gate.Pending:
		return r.Request
	case gate.Refused:
		return r.Request
	case gate.Unknown:
		return r.Request
	}
	t.Fatalf("got %T", result)
	return countersign.Request{}
}

func TestTheSameKeyIsTheSameRequestForADay(t *testing.T) {
	w := newWorld(t)
	for _, tool := range []string{"read_file", "write_file", "wipe"} {
		ask := w.keyed("k-"+tool, tool, `{"path":"/srv/a"}`)
		first := requestOf(t, w.submit(ask))
		if tool == "write_file" {
			w.approve("bob", first.ID)
			w.run(first.ID)
		}
		state, had := w.state(first.ID), ""
		for i, after := range []time.Duration{0, 11 * time.Minute, 23*time.Hour + 48*time.Minute} {
			w.gate.Delivered(t.Context(), first.ID)
			w.clock.Advance(after)
			var out bytes.Buffer
			ask.Reason = "asked again"
			result, err := w.gate.Submit(ended(), ask, &out)
			must(t, err)
			if again := requestOf(t, result); again.ID != first.ID || again.State != state {
				t.Errorf("%s %s later: got %s %v, want %s %v", tool, after, again.ID, again.State, first.ID, state)
			}
			if i == 0 {
				had = out.String()
			}
			if out.String() != had || (had == "") != (state.Execution == countersign.ExecutionNone) {
				t.Errorf("%s %s later: the result is %q, and was %q", tool, after, out.String(), had)
			}
		}
		if got := w.recorded(first.ID, countersign.KindJoined); got != 3 {
			t.Errorf("%s: got %d joins on record, want 3", tool, got)
		}
		w.clock.Advance(2 * time.Minute)
		if fresh := requestOf(t, w.submit(ask)); fresh.ID == first.ID {
			t.Errorf("%s: the key still counts a day after its request was settled", tool)
		}
	}
	w.holds()
}

func TestAKeyIsForOneCommand(t *testing.T) {
	w := newWorld(t)
	first := requestOf(t, w.submit(w.keyed("k", "read_file", `{"path":"/srv/a"}`)))
	for _, other := range []gate.Ask{w.keyed("k", "read_file", `{"path":"/srv/b"}`), w.keyed("k", "write_file", `{"path":"/srv/a"}`)} {
		_, err := w.gate.Submit(ended(), other, io.Discard)
		w.refused(err, countersign.CodeDigestMismatch)
		if err == nil || !strings.Contains(err.Error(), "Idempotency-Key") || !strings.Contains(err.Error(), string(first.ID)) {
			t.Errorf("got %v, want it to name the key and %s", err, first.ID)
		}
	}
	elsewhere := w.ask("read_file", `{"path":"/srv/a"}`)
	twin := files()
	twin.Name = "mcp/twin"
	must(t, w.gate.SetResource(t.Context(), operator(), twin))
	elsewhere.Command, elsewhere.Key, elsewhere.Via = countersign.MCPRequest{Resource: "mcp/twin", Method: "tools/call", Params: []byte(`{"name":"read_file","arguments":{"path":"/srv/a"}}`)}, "k", w.upstream
	_, err := w.gate.Submit(ended(), elsewhere, io.Discard)
	w.refused(err, countersign.CodeDigestMismatch)
	w.ran(first.ID, 1)
	w.agent("other", "alice")
	others := w.keyed("k", "read_file", `{"path":"/srv/b"}`)
	others.By = countersign.Principal{Kind: countersign.KindAgent, ID: "agt_other", Name: "other"}
	if theirs := requestOf(t, w.submit(others)); theirs.ID == first.ID {
		t.Error("another agent's key is taken for this one's")
	}
	w.holds()
}

func TestAKeyOutlastsAChangeOfTheTool(t *testing.T) {
	w := newWorld(t)
	ask := w.keyed("k", "read_file", `{"path":"/srv/a"}`)
	first := requestOf(t, w.submit(ask))
	moved := files()
	moved.Target, moved.Pins["read_file"] = countersign.Digest{10}, countersign.Digest{2}
	must(t, w.gate.SetResource(t.Context(), operator(), moved))
	if again := requestOf(t, w.submit(ask)); again.ID != first.ID {
		t.Errorf("got %s, want %s: the same bytes were sent with the same key", again.ID, first.ID)
	}
}

func TestWhoeverIsFasterWithTheSameKeyIsJoined(t *testing.T) {
	w := newWorld(t)
	ask := w.keyed("k", "read_file", `{}`)
	var first countersign.Request
	w.store.Faults().BeforeCommit(func() { first = requestOf(t, w.submit(ask)) })
	if second := requestOf(t, w.submit(ask)); second.ID != first.ID {
		t.Errorf("one key had %s and %s run", first.ID, second.ID)
	}
	w.ran(first.ID, 1)
	w.holds()
}

func TestTheAuditorKnowsWhatAKeyMayJoin(t *testing.T) {
	key, other := countersign.DigestOfKey("k"), countersign.DigestOfKey("l")
	for name, c := range map[string]struct {
		asked string // with this key
		joins countersign.Joined
		after time.Duration
		says  string
	}{
		"without a key, in time":     {"", countersign.Joined{}, 9 * time.Minute, ""},
		"without a key, too late":    {"", countersign.Joined{}, 11 * time.Minute, "more than 10m0s after it was settled"},
		"without the key it has":     {"k", countersign.Joined{}, time.Minute, "another key"},
		"with its key, in time":      {"k", countersign.Joined{Key: key}, 23 * time.Hour, ""},
		"with its key, too late":     {"k", countersign.Joined{Key: key}, 25 * time.Hour, "more than 24h0m0s after it was settled"},
		"with another key":           {"k", countersign.Joined{Key: other}, time.Minute, "another key"},
		"with a key that it has not": {"", countersign.Joined{Key: key}, time.Minute, "another key"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := requestOf(t, w.submit(w.keyed(c.asked, "read_file", `{}`)))
			w.clock.Advance(c.after)
			who := countersign.Who{Actor: r.Requester, Origin: r.Origin, Method: "token"}
			w.puts(r.ID, who, r.State, c.joins, nil)
			if c.says == "" {
				w.holds()
			} else {
				w.finds(c.says)
			}
		})
	}
}
