package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// TestJobs is the suite of store.Jobs.
func TestJobs(t *testing.T, open Open) {
	t.Run("ADueJobIsClaimedOnceAWhile", func(t *testing.T) {
		setting := NewSetting(t)
		s := open(t, setting)
		now := setting.Clock.Now()
		c := NewLife("/srv/a").Requested()
		c.Jobs = []store.Job{
			{Kind: "expire", Key: "later", Due: now.Add(time.Minute)},
			{Kind: "expire", Key: "second", Due: now, Body: []byte("body of the second")},
			{Kind: "expire", Key: "first", Due: now.Add(-time.Second)},
			{Kind: "lapse", Key: "first", Due: now},
		}
		commit(t, s, c)
		claims(t, s, "expire", 10, "first", "second")
		claims(t, s, "expire", 10)
		claims(t, s, "lapse", 10, "first")
		setting.Clock.Move(time.Minute)
		claims(t, s, "expire", 2, "first", "second")
		claims(t, s, "expire", 2, "later")
	})
	t.Run("OnlyWhoHoldsTheLeaseFinishes", func(t *testing.T) {
		setting := NewSetting(t)
		s := open(t, setting)
		life := NewLife("/srv/a")
		c := life.Requested()
		c.Jobs = []store.Job{{Kind: "expire", Key: "a", Due: setting.Clock.Now(), Body: []byte("why")}}
		commit(t, s, c)
		if err := s.Finish(t.Context(), c.Jobs[0]); !errors.Is(err, store.ErrConflict) {
			t.Errorf("finish without a claim: got %v, want ErrConflict", err)
		}
		slow := claims(t, s, "expire", 1, "a")[0]
		if string(slow.Body) != "why" || !slow.Due.Equal(setting.Clock.Now()) {
			t.Errorf("got job %q due %s", slow.Body, slow.Due)
		}
		setting.Clock.Move(time.Hour)
		quick := claims(t, s, "expire", 1, "a")[0]
		if err := s.Finish(t.Context(), slow); !errors.Is(err, store.ErrConflict) {
			t.Errorf("finish after another claim: got %v, want ErrConflict", err)
		}
		again := life.Joined()
		again.Jobs = c.Jobs
		commit(t, s, again)
		if err := s.Finish(t.Context(), quick); !errors.Is(err, store.ErrConflict) {
			t.Errorf("finish after the job was replaced: got %v, want ErrConflict", err)
		}
		last := claims(t, s, "expire", 1, "a")[0]
		if err := s.Finish(t.Context(), last); err != nil {
			t.Error(err)
		}
		setting.Clock.Move(time.Hour)
		claims(t, s, "expire", 1)
	})
	t.Run("OfManyClaimersOneGetsAJob", func(t *testing.T) {
		setting := NewSetting(t)
		s := open(t, setting)
		c := NewLife("/srv/a").Requested()
		c.Jobs = []store.Job{{Kind: "expire", Key: "a", Due: setting.Clock.Now()}}
		commit(t, s, c)
		if got := race(t, func(ctx context.Context) (bool, error) {
			jobs, err := s.Claim(ctx, "expire", time.Minute, 5)
			return len(jobs) == 1, err
		}); got != 1 {
			t.Errorf("%d claimed the job, want 1", got)
		}
	})
	t.Run("ARefusedChangeMakesNoJob", func(t *testing.T) {
		setting := NewSetting(t)
		s := open(t, setting)
		c := NewLife("/srv/a").Requested()
		c.NotAfter = setting.Clock.Now().Add(-time.Second)
		c.Jobs = []store.Job{{Kind: "expire", Key: "a"}}
		c.Keep = []store.Entry{{Key: "k", Expires: setting.Clock.Now().Add(time.Hour)}}
		if _, err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrLate) {
			t.Fatalf("got %v, want ErrLate", err)
		}
		claims(t, s, "expire", 1)
		if _, err := s.Ephemeral().Get(t.Context(), "k"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a refused change kept an entry: %v", err)
		}
	})
}

func claims(t *testing.T, s store.Store, kind string, max int, want ...string) []store.Job {
	t.Helper()
	jobs, err := s.Claim(t.Context(), kind, time.Minute, max)
	if err != nil || len(jobs) != len(want) {
		t.Fatalf("claimed %d jobs, %v; want %v", len(jobs), err, want)
	}
	for i, j := range jobs {
		if j.Key != want[i] || j.Kind != kind || j.Lease == "" {
			t.Errorf("job %d is %s of %s with lease %q, want %s of %s", i, j.Kind, j.Key, j.Lease, kind, want[i])
		}
	}
	return jobs
}

// race runs take at the same time from many sides and counts those that got it.
func race(t *testing.T, take func(context.Context) (bool, error)) int64 {
	t.Helper()
	var wg sync.WaitGroup
	var got atomic.Int64
	for range 16 {
		wg.Go(func() {
			mine, err := take(t.Context())
			if err != nil {
				t.Error(err)
			}
			if mine {
				got.Add(1)
			}
		})
	}
	wg.Wait()
	return got.Load()
}

// TestEphemeral is the suite of store.Ephemeral.
func TestEphemeral(t *testing.T, open Open) {
	setting := NewSetting(t)
	s := open(t, setting)
	e, ctx := s.Ephemeral(), t.Context()
	entry := func(key, subject string) store.Entry {
		return store.Entry{Key: key, Subject: subject, Value: []byte("value of " + key), Expires: setting.Clock.Now().Add(time.Hour)}
	}
	put := func(e store.Entry) {
		t.Helper()
		if err := s.Ephemeral().Put(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	absent := func(key, why string) {
		t.Helper()
		if _, err := e.Get(ctx, key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", why, err)
		}
		if _, err := e.Take(ctx, key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: take got %v, want ErrNotFound", why, err)
		}
	}
	absent("nothing", "a key that never was")
	put(entry("a", "per_ada"))
	put(entry("a2", "per_ada"))
	put(entry("b", "per_bob"))
	got, err := e.Get(ctx, "a")
	if err != nil || got.Key != "a" || got.Subject != "per_ada" || string(got.Value) != "value of a" || !got.Expires.Equal(setting.Clock.Now().Add(time.Hour)) {
		t.Errorf("got %+v, %v", got, err)
	}
	other := entry("b", "per_bob")
	other.Value = []byte("newer")
	put(other)
	if got, err := e.Get(ctx, "b"); err != nil || string(got.Value) != "newer" {
		t.Errorf("got %q, %v; want the newer value", got.Value, err)
	}
	if n := race(t, func(ctx context.Context) (bool, error) {
		_, err := e.Take(ctx, "b")
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return true, err
	}); n != 1 {
		t.Errorf("%d took the entry, want 1", n)
	}
	absent("b", "taken")
	put(entry("b", "per_bob"))
	if err := e.DropSubject(ctx, "per_ada"); err != nil {
		t.Fatal(err)
	}
	absent("a", "dropped with its subject")
	absent("a2", "dropped with its subject")
	setting.Clock.Move(time.Hour)
	absent("b", "ended")
	if err := e.Put(ctx, store.Entry{Key: "endless"}); err == nil {
		t.Error("an entry without an end was kept")
	}
	c := NewLife("/srv/a").Requested()
	c.Keep = []store.Entry{entry("kept", "req_x"), entry("kept too", "req_x")}
	commit(t, s, c)
	if got, err := e.Get(ctx, "kept"); err != nil || string(got.Value) != "value of kept" {
		t.Errorf("got %q, %v; want what the change kept", got.Value, err)
	}
}

// TestDirectory is the suite of store.Directory.
func TestDirectory(t *testing.T, open Open) {
	setting := NewSetting(t)
	s := open(t, setting)
	snapshot := func() *countersign.Directory {
		t.Helper()
		d, err := s.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	empty := snapshot()
	commit(t, s, PersonChange("per_ada", "ada", 1))
	first := snapshot()
	commit(t, s, PersonChange("per_ada", "ada lovelace", 2))
	commit(t, s, PersonChange("per_bob", "bob", 1))
	if len(empty.People) != 0 || first.People["per_ada"].Name != "ada" {
		t.Errorf("an older snapshot was changed: %+v, %+v", empty.People, first.People)
	}
	d := snapshot()
	if d.Versions["per_ada"] != 2 || d.Version != 3 || d.People["per_ada"].Name != "ada lovelace" || d.People["per_bob"].Name != "bob" {
		t.Errorf("got %+v at versions %v", d.People, d.Versions)
	}
	if _, err := s.Commit(t.Context(), PersonChange("per_ada", "ada", 2)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a second version 2: got %v, want ErrConflict", err)
	}
	entries, err := s.Events(t.Context(), "per_ada")
	if err != nil || len(entries) != 2 {
		t.Fatalf("got %d events of the person, %v; want 2", len(entries), err)
	}
	if n := race(t, func(ctx context.Context) (bool, error) {
		_, err := s.Commit(ctx, PersonChange("per_bob", "bob", 2))
		if errors.Is(err, store.ErrConflict) {
			return false, nil
		}
		return true, err
	}); n != 1 || snapshot().Versions["per_bob"] != 2 {
		t.Errorf("%d changed the person, who has version %d; want 1 and 2", n, snapshot().Versions["per_bob"])
	}
}

// TestVault is the suite of store.Vault.
func TestVault(t *testing.T, open Open) {
	s := open(t, NewSetting(t))
	done := commit(t, s, NewLife("/srv/a").Released())
	for i, entry := range done.Entries {
		open, err := s.Vault().Open(t.Context(), done.First+int64(i))
		if err != nil {
			t.Fatal(err)
		}
		entry.Open = open
		if _, err := entry.Event(); err != nil {
			t.Errorf("what the vault gives for leaf %d: %v", entry.Index, err)
		}
		if (open.Command != nil) != (i == 0) {
			t.Errorf("leaf %d has a command: %t", entry.Index, open.Command != nil)
		}
		want, err := ledger.ParseLeaf(entry.Leaf)
		if err != nil || ledger.Commit(ledger.SlotWho, *open.Who) != want.Who {
			t.Errorf("leaf %d: the vault gives another who: %v", entry.Index, err)
		}
	}
}
