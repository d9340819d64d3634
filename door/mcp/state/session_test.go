package state_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/state"
)

func TestASessionsIDIsForItsHolderAlone(t *testing.T) {
	key, h := []byte("a key of the gateway's own......"), state.HolderOf(askedFor("alice"), "mcp/files")
	want := state.Claim("claude-code", "2.1.330")
	want.Toolless, want.Began = true, time.Unix(1_800_000_000, 1)
	id := state.SealSession(key, h, want)
	if got, ok := state.OpenSession(key, h, id); !ok || got != want {
		t.Errorf("got %+v, %t, want %+v", got, ok, want)
	}
	if again := state.SealSession(key, h, want); again == id {
		t.Errorf("two sessions have the id %s", id)
	}
	another := func(change func(h *state.Holder)) state.Holder { h := h; change(&h); return h }
	for name, c := range map[string]struct {
		key []byte
		h   state.Holder
		id  string
	}{
		"another agent":    {key, another(func(h *state.Holder) { h.Agent = "agt_2" }), id},
		"another chain":    {key, state.HolderOf(askedFor("bob"), "mcp/files"), id},
		"no chain":         {key, state.HolderOf(askedFor(), "mcp/files"), id},
		"a longer chain":   {key, state.HolderOf(askedFor("alice", "bob"), "mcp/files"), id},
		"another resource": {key, another(func(h *state.Holder) { h.Resource = "mcp/x" }), id},
		"another key":      {[]byte("k"), h, id},
		"nothing":          {key, h, "cs1s."},
		"a state's prefix": {key, h, "cs1." + strings.TrimPrefix(id, "cs1s.")},
	} {
		if s, ok := state.OpenSession(c.key, c.h, c.id); ok {
			t.Errorf("%s: got %+v, want it not opened", name, s)
		}
	}
	for i := range len(id) {
		b := []byte(id)
		b[i] ^= 1
		if s, ok := state.OpenSession(key, h, string(b)); ok {
			t.Fatalf("byte %d changed: got %+v", i, s)
		}
	}
}

// askedFor is an agent that asks for people.
func askedFor(people ...string) countersign.Who {
	w := countersign.Who{Actor: countersign.Principal{Kind: countersign.KindAgent, ID: "agt_1"}}
	for _, p := range people {
		w.OnBehalfOf = append(w.OnBehalfOf, countersign.Principal{Kind: countersign.KindPerson, ID: p})
	}
	return w
}

func TestASessionsIDIsShortAndVisible(t *testing.T) {
	for name, said := range map[string]string{
		"megabytes": strings.Repeat("x", 4<<20), "controls": strings.Repeat("\n", 500), "beyond ASCII": strings.Repeat("ü", 500), "broken": "\xff\xfe", "nothing": "",
	} {
		key, h := []byte("a key"), state.Holder{Agent: strings.Repeat("a", 9000), Chain: strings.Repeat("c", 9000), Resource: "mcp/files"}
		want := state.Claim(said, said)
		want.Began = time.Unix(0, 1)
		id := state.SealSession(key, h, want)
		if len(id) > 1024 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
			t.Errorf("%s: the id has %d bytes, want at most 1024, all visible: %.80q", name, len(id), id)
		}
		if got, ok := state.OpenSession(key, h, id); !ok || got != want {
			t.Errorf("%s: got %+v, %t, want %+v", name, got, ok, want)
		}
	}
}
