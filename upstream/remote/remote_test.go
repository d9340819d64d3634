package remote_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/remote"
	"golang.org/x/mod/sumdb/note"
)

var bot = countersign.Principal{Kind: countersign.KindAgent, ID: "agt_1", Name: "bot"}

func newRemote(t *testing.T, keys note.Verifiers) *remote.Remote {
	t.Helper()
	r, err := remote.New(remote.Config{Name: "mcp/files", Agent: "bot", Trust: ledger.Trust{Origin: "log", Keys: keys}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func attach(t *testing.T, r *remote.Remote) string {
	t.Helper()
	id, err := r.Attach(bot, remote.Hello{Capabilities: []byte(`{"tools":{}}`)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A passed is what became of a list.
type passed struct {
	answer []byte
	err    error
}

func pass(r *remote.Remote) <-chan passed {
	done := make(chan passed, 1)
	go func() {
		b, err := r.Pass(context.Background(), "tools/list", nil)
		done <- passed{b, err}
	}()
	return done
}

func TestWorkIsHandedOverOnceAndAnsweredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote(t, note.VerifierList())
		id := attach(t, r)
		done := pass(r)
		work, ok, err := r.Take(t.Context(), id)
		if !ok || err != nil || work.Method != "tools/list" {
			t.Fatalf("got %+v, %v, %v", work, ok, err)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if again, ok, _ := r.Take(soon, id); ok {
			t.Errorf("handed over twice: %+v", again)
		}
		if err := r.Answer(id, work.ID, remote.Answer{Result: []byte("a")}); err != nil {
			t.Error(err)
		}
		if err := r.Answer(id, work.ID, remote.Answer{Result: []byte("b")}); countersign.CodeOf(err) != countersign.CodeConflict {
			t.Errorf("answered twice: got %v", err)
		}
		if got := <-done; string(got.answer) != "a" || got.err != nil {
			t.Errorf("got %s, %v", got.answer, got.err)
		}
	})
}

func TestASecondProcessWaitsUntilTheFirstIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote(t, note.VerifierList())
		first := attach(t, r)
		if _, err := r.Attach(bot, remote.Hello{}); countersign.CodeOf(err) != countersign.CodeConflict {
			t.Errorf("beside another: got %v", err)
		}
		connection, breaks := context.WithCancel(t.Context())
		go r.Take(connection, first)
		synctest.Wait()
		time.Sleep(time.Hour) // it is there all the time
		if _, err := r.Attach(bot, remote.Hello{}); countersign.CodeOf(err) != countersign.CodeConflict {
			t.Errorf("beside one that waits for work: got %v", err)
		}
		breaks()
		synctest.Wait()
		second := attach(t, r)
		if _, _, err := r.Take(t.Context(), first); countersign.CodeOf(err) != countersign.CodeNotFound {
			t.Errorf("the first takes work: got %v", err)
		}
		if err := r.Detach(second); err != nil {
			t.Error(err)
		}
		stranger := bot
		stranger.Name = "other"
		if _, err := r.Attach(stranger, remote.Hello{}); countersign.CodeOf(err) != countersign.CodeForbidden {
			t.Errorf("another agent's: got %v", err)
		}
	})
}

func TestWhatNobodyTakesIsNotHandedOverLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote(t, note.VerifierList())
		if got := <-pass(r); got.err == nil || !strings.Contains(got.err.Error(), "no process of the agent's has taken it") {
			t.Errorf("got %s, %v", got.answer, got.err)
		}
		id := attach(t, r)
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if work, ok, err := r.Take(soon, id); ok || err != nil {
			t.Errorf("got %+v, %v", work, err)
		}
	})
}

func TestWhatAProcessTookAndLeftIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote(t, note.VerifierList())
		id := attach(t, r)
		done := pass(r)
		if _, ok, err := r.Take(t.Context(), id); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := r.Detach(id); err != nil {
			t.Fatal(err)
		}
		if got := <-done; got.err == nil || !strings.Contains(got.err.Error(), "not heard of again") {
			t.Errorf("got %s, %v", got.answer, got.err)
		}
	})
}

func TestNothingIsHandedOverWithoutAProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, vkey, err := ledger.NewKey("log")
		if err != nil {
			t.Fatal(err)
		}
		v, err := ledger.NewVerifier(vkey)
		if err != nil {
			t.Fatal(err)
		}
		r := newRemote(t, note.VerifierList(v))
		id := attach(t, r)
		var out bytes.Buffer
		o, err := r.Run(t.Context(), ledger.Release{}, &out)
		if err == nil || o.Execution != countersign.ExecutionFailed {
			t.Errorf("got %+v, %v", o, err)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok, err := r.Take(soon, id); ok || err != nil {
			t.Errorf("got work: %v, %v", ok, err)
		}
	})
}

func TestAProcessThatIsLetGoWaitsForNoMoreWork(t *testing.T) {
	for name, end := range map[string]func(*remote.Remote, string) error{
		"close":  func(r *remote.Remote, _ string) error { return r.Close() },
		"detach": (*remote.Remote).Detach,
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRemote(t, note.VerifierList())
			id := attach(t, r)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, _, err := r.Take(ctx, id)
				ended <- err
			}()
			synctest.Wait()
			if err := end(r, id); err != nil {
				t.Error(err)
			}
			if err := <-ended; countersign.CodeOf(err) != countersign.CodeNotFound {
				t.Errorf("%s: got %v, want that the process is not attached any more", name, err)
			}
		})
	}
}
