package workload_test

import (
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/workload"
)

// tried returns what comes of a token of the issuer at a time, signed with its key
// and named by the kid.
func tried(t *testing.T, i *issuer) func(v *workload.Verifier, id string, at time.Time) error {
	t.Helper()
	key, d := i.key("k1"), directory(workload.Identities(i.config(byClient), "helper")...)
	return func(v *workload.Verifier, id string, at time.Time) error {
		token := sign(t, jose.ES256, key, kid(id), i.claims(map[string]any{"exp": at.Add(time.Minute).Unix()}))
		_, err := v.Authenticate(t.Context(), d, token, resource, at)
		return err
	}
}

func TestAKnownKeyDoesNotWaitForAnIssuerThatHangs(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	try, v := tried(t, i), verifier(t, i.config(byClient))
	if err := try(v, "k1", now); err != nil {
		t.Fatal(err)
	}
	i.set(func() { i.hangs = true })
	for _, after := range []time.Duration{11 * time.Minute, 16 * time.Minute, 16*time.Minute + time.Second, 59 * time.Minute} {
		if err := try(v, "k1", now.Add(after)); err != nil {
			t.Errorf("%s later: got %v, want the known key taken", after, err)
		}
	}
	if asked, left := i.asked.Load(), len(i.left); left != 0 || asked > 2 {
		t.Errorf("%d looks, of which %d were waited for to their end; want one beside", asked-1, left)
	}
}

func TestAnIssuerThatHangsKeepsOneTokenWaiting(t *testing.T) {
	t.Parallel()
	i, other := newIssuer(t), newIssuer(t)
	i.set(func() { i.hangs = true })
	try, tryOther := tried(t, i), tried(t, other)
	v := verifier(t, slices.Concat(i.config(byClient), other.config(byClient)))
	if err := try(v, "k1", now); countersign.CodeOf(err) != countersign.CodeUnavailable {
		t.Fatalf("got %v, want unavailable", err)
	}
	<-i.hung
	for _, id := range []string{"k1", "made-up", "k1"} {
		if err := try(v, id, now.Add(9*time.Second)); countersign.CodeOf(err) != countersign.CodeUnavailable {
			t.Errorf("right after: got %v, want unavailable", err)
		}
	}
	later := now.Add(11 * time.Second)
	waits := make(chan error, 1)
	go func() { waits <- try(v, "k1", later) }()
	<-i.hung
	for range 20 {
		if err := try(v, "made-up", later); countersign.CodeOf(err) != countersign.CodeUnavailable {
			t.Errorf("while another waits: got %v, want unavailable", err)
		}
	}
	if err := tryOther(v, "k1", later); err != nil {
		t.Errorf("a token of another issuer: got %v", err)
	}
	if len(waits) > 0 {
		t.Error("all of them waited for the look to end")
	}
	if err := <-waits; countersign.CodeOf(err) != countersign.CodeUnavailable {
		t.Errorf("who waited: got %v, want unavailable", err)
	}
	if n := i.asked.Load(); n != 2 {
		t.Errorf("got %d looks in 20 seconds, want 2", n)
	}
	i.set(func() { i.hangs = false })
	if err := try(v, "k1", now.Add(22*time.Second)); err != nil {
		t.Errorf("once the issuer answers: %v", err)
	}
}
