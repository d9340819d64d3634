package chat_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/chat"
	"github.com/countersignhq/countersign/store/memory"
)

func TestACodeWorksOnceInItsChatForItsPerson(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s, err := memory.New(memory.Config{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	codes := chat.New(s.Ephemeral(), func() time.Time { return now })
	made := func(person string) string {
		t.Helper()
		code, ends, err := codes.Make(t.Context(), "slack", chat.Proof{Person: person, Method: "passkey", AuthTime: now})
		if err != nil || !ends.Equal(now.Add(chat.Life)) {
			t.Fatalf("got %v, %v; want it to end in %s", ends, err, chat.Life)
		}
		return code
	}
	refused := func(in, code, why string) {
		t.Helper()
		if _, err := codes.Take(t.Context(), in, code); countersign.CodeOf(err) != countersign.CodeNotFound {
			t.Errorf("%s: got %v, want it refused as not_found", why, err)
		}
	}
	code := made("per_bob")
	refused("teams", code, "typed in another chat")
	p, err := codes.Take(t.Context(), "slack", " "+strings.ToLower(code)+" ")
	if err != nil || p.Person != "per_bob" || p.Method != "passkey" || !p.AuthTime.Equal(now) {
		t.Errorf("got %+v, %v; want bob with a passkey", p, err)
	}
	refused("slack", code, "typed twice")
	if err := codes.Return(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if p, err := codes.Take(t.Context(), "slack", code); err != nil || p.Person != "per_bob" {
		t.Errorf("a code that was given back: got %+v, %v; want bob's", p, err)
	}
	refused("slack", code, "typed again after it was given back once")
	if err := codes.Return(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	now = now.Add(chat.Life)
	refused("slack", code, "given back and typed too late")
	old := made("per_bob")
	mine := made("per_ada")
	made("per_bob")
	refused("slack", old, "replaced by a newer one")
	if p, err := codes.Take(t.Context(), "slack", mine); err != nil || p.Person != "per_ada" {
		t.Errorf("got %+v, %v; want ada's, which bob's did not replace", p, err)
	}
	late := made("per_bob")
	now = now.Add(chat.Life)
	refused("slack", late, "typed too late")
	for _, text := range []string{"", "AAAA-BBBB-CCCC", strings.Repeat("A", 4000)} {
		refused("slack", text, "made up")
	}
}
