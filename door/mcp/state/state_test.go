package state_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/countersignhq/countersign/door/mcp/state"
)

func TestAStateIsForItsHolderAndItsTimeAlone(t *testing.T) {
	key, now := []byte("a key of the gateway's own......"), time.Unix(1_800_000_000, 0)
	h := state.Holder{Agent: "agt_1", Resource: "mcp/files"}
	want := state.State{Request: "req_1", Digest: sha256.Sum256([]byte("x")), Round: 3, Expires: now.Add(time.Minute)}
	text, err := state.Seal(key, h, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := state.Open(key, h, text, now)
	if err != nil || got.Request != want.Request || got.Digest != want.Digest || got.Round != 3 || !got.Expires.Equal(want.Expires) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for name, open := range map[string]func() (state.State, error){
		"another agent": func() (state.State, error) {
			return state.Open(key, state.Holder{Agent: "agt_2", Resource: h.Resource}, text, now)
		},
		"another resource": func() (state.State, error) {
			return state.Open(key, state.Holder{Agent: h.Agent, Resource: "mcp/x"}, text, now)
		},
		"another key": func() (state.State, error) { return state.Open([]byte("k"), h, text, now) },
		"nothing":     func() (state.State, error) { return state.Open(key, h, "cs1.", now) },
	} {
		if s, err := open(); !errors.Is(err, state.ErrForged) {
			t.Errorf("%s: got %+v, %v, want it refused", name, s, err)
		}
	}
	for i := range len(text) {
		b := []byte(text)
		b[i] ^= 1
		if s, err := state.Open(key, h, string(b), now); err == nil {
			t.Fatalf("byte %d changed: got %+v", i, s)
		}
	}
	if _, err := state.Open(key, h, text, now.Add(time.Minute)); !errors.Is(err, state.ErrExpired) {
		t.Errorf("at its end: got %v, want it expired", err)
	}
}
