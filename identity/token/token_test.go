package token_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/token"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestATokenHasItsShape(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		text, hash := token.New()
		if len(text) != 56 || !strings.HasPrefix(text, "cs_agt_") || strings.Trim(text[7:], "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Fatalf("token %q: want cs_agt_ and 49 letters or digits", text)
		}
		got, err := token.Hash(text)
		if err != nil || got != hash {
			t.Fatalf("hash of a fresh token is %v, %v; want %v", got, err, hash)
		}
		if seen[text] {
			t.Fatalf("token %q was drawn twice", text)
		}
		seen[text] = true
	}
}

func TestEveryChangedCharacterFailsTheChecksum(t *testing.T) {
	text, _ := token.New()
	for i := range text {
		other := byte('a')
		if text[i] == other {
			other = 'b'
		}
		changed := text[:i] + string(other) + text[i+1:]
		if _, err := token.Hash(changed); countersign.CodeOf(err) != countersign.CodeUnauthenticated {
			t.Errorf("character %d changed: got %v, want %s", i, err, countersign.CodeUnauthenticated)
		}
	}
}

func TestWhatIsNoTokenIsNotLookedUp(t *testing.T) {
	text, _ := token.New()
	// A nil directory would panic if anything were looked up in it.
	for _, bad := range []string{"", "cs_agt_", text[:20], text + "0", "ghp_" + text[7:], " " + text, text[:len(text)-1] + "é"} {
		if _, err := token.Authenticate(nil, bad, now); countersign.CodeOf(err) != countersign.CodeUnauthenticated {
			t.Errorf("%q: got %v, want %s", bad, err, countersign.CodeUnauthenticated)
		}
	}
}

func TestOnlyALiveTokenOfAnActiveAgentOpensAnything(t *testing.T) {
	text, hash := token.New()
	live := countersign.Token{ID: "tok_1", Hash: hash, Expires: now.Add(time.Hour)}
	revoked, expired := live, live
	revoked.Revoked = true
	expired.Expires = now
	unknown, _ := token.New()

	tests := []struct {
		name  string
		agent countersign.Agent
		text  string
		want  bool
	}{
		{"live", countersign.Agent{ID: "agt_1", Tokens: []countersign.Token{live}}, text, true},
		{"unknown", countersign.Agent{ID: "agt_1", Tokens: []countersign.Token{live}}, unknown, false},
		{"revoked", countersign.Agent{ID: "agt_1", Tokens: []countersign.Token{revoked}}, text, false},
		{"expired", countersign.Agent{ID: "agt_1", Tokens: []countersign.Token{expired}}, text, false},
		{"inactive agent", countersign.Agent{ID: "agt_1", Inactive: true, Tokens: []countersign.Token{live}}, text, false},
		{"removed from its agent", countersign.Agent{ID: "agt_1"}, text, false},
	}
	said := map[string]bool{}
	for _, tt := range tests {
		d := countersign.NewDirectory()
		d.Agents["agt_1"], d.Tokens[hash] = tt.agent, "agt_1"
		got, err := token.Authenticate(d, tt.text, now)
		if tt.want {
			if err != nil || got.ID != "agt_1" {
				t.Errorf("%s: got %q, %v; want agt_1", tt.name, got.ID, err)
			}
			continue
		}
		if countersign.CodeOf(err) != countersign.CodeUnauthenticated {
			t.Errorf("%s: got %v, want %s", tt.name, err, countersign.CodeUnauthenticated)
			continue
		}
		said[err.Error()] = true
	}
	if len(said) != 1 {
		t.Errorf("refusals say %d different things, want one: %v", len(said), said)
	}
}

func FuzzHash(f *testing.F) {
	text, _ := token.New()
	f.Add(text)
	f.Add("cs_agt_")
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := token.Hash(s); err == nil && len(s) != 56 {
			t.Errorf("%q is taken for a token", s)
		}
	})
}
