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
	for _, c := range []struct {
		name string
		test func(*testing.T, *Setting, store.Store)
	}{
		{"ADueJobIsClaimedOnceAWhile", dueJobs},
		{"OnlyWhoHoldsTheLeaseFinishes", leases},
		{"OfManyClaimersOneGetsAJob", oneClaimer},
		{"ARefusedChangeMakesNoJob", noJob},
		{"WhatReplacesAClaimedJobWaitsForItsClaimer", replacedJob},
		{"AClaimOfNoTimeOnlyLooks", lookedAtJobs},
		{"APostponedJobComesBackWithItsBody", postponedJob},
		{"AJobIsAddedOnce", addedJob},
	} {
		t.Run(c.name, func(t *testing.T) {
			setting := NewSetting(t)
			c.test(t, setting, open(t, setting))
		})
	}
}

func dueJobs(t *testing.T, set *Setting, s store.Store) {
	now := set.Clock.Now()
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
	set.Clock.Move(time.Minute)
	claims(t, s, "expire", 2, "first", "second")
	claims(t, s, "expire", 2, "later")
}

func leases(t *testing.T, set *Setting, s store.Store) {
	life := NewLife("/srv/a")
	c := life.Requested()
	c.Jobs = []store.Job{{Kind: "expire", Key: "a", Due: set.Clock.Now(), Body: []byte("why")}}
	commit(t, s, c)
	if err := s.Finish(t.Context(), c.Jobs[0]); !errors.Is(err, store.ErrConflict) {
		t.Errorf("finish without a claim: got %v, want ErrConflict", err)
	}
	slow := claims(t, s, "expire", 1, "a")[0]
	if string(slow.Body) != "why" || !slow.Due.Equal(set.Clock.Now()) {
		t.Errorf("got job %q due %s", slow.Body, slow.Due)
	}
	set.Clock.Move(time.Hour)
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
	set.Clock.Move(time.Hour)
	claims(t, s, "expire", 1)
}

func oneClaimer(t *testing.T, set *Setting, s store.Store) {
	c := NewLife("/srv/a").Requested()
	c.Jobs = []store.Job{{Kind: "expire", Key: "a", Due: set.Clock.Now()}}
	commit(t, s, c)
	if got := race(t, func(ctx context.Context) (bool, error) {
		jobs, err := s.Claim(ctx, "expire", time.Minute, 5)
		return len(jobs) == 1, err
	}); got != 1 {
		t.Errorf("%d claimed the job, want 1", got)
	}
}

func noJob(t *testing.T, set *Setting, s store.Store) {
	c := NewLife("/srv/a").Requested()
	c.NotAfter = set.Clock.Now().Add(-time.Second)
	c.Jobs = []store.Job{{Kind: "expire", Key: "a"}}
	c.Keep = []store.Entry{{Key: "k", Expires: set.Clock.Now().Add(time.Hour)}}
	if _, err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrLate) {
		t.Fatalf("got %v, want ErrLate", err)
	}
	claims(t, s, "expire", 1)
	if _, err := s.Ephemeral().Get(t.Context(), "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a refused change kept an entry: %v", err)
	}
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
	for _, c := range []struct {
		name string
		test func(*testing.T, *Setting, store.Store)
	}{
		{"AnEntryIsKeptUntilItEnds", keptEntries},
		{"OfManyTakersOneGetsAnEntry", oneTaker},
		{"ASubjectIsDroppedWithAllItsEntries", droppedSubject},
	} {
		t.Run(c.name, func(t *testing.T) {
			setting := NewSetting(t)
			c.test(t, setting, open(t, setting))
		})
	}
}

func entry(set *Setting, key, subject string) store.Entry {
	return store.Entry{Key: key, Subject: subject, Value: []byte("value of " + key), Expires: set.Clock.Now().Add(time.Hour)}
}

func put(t *testing.T, s store.Store, e store.Entry) {
	t.Helper()
	if err := s.Ephemeral().Put(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func absent(t *testing.T, s store.Store, key, why string) {
	t.Helper()
	if _, err := s.Ephemeral().Get(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: got %v, want ErrNotFound", why, err)
	}
	if _, err := s.Ephemeral().Take(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: take got %v, want ErrNotFound", why, err)
	}
}

func keptEntries(t *testing.T, set *Setting, s store.Store) {
	absent(t, s, "nothing", "a key that never was")
	put(t, s, entry(set, "a", "per_ada"))
	got, err := s.Ephemeral().Get(t.Context(), "a")
	if err != nil || got.Key != "a" || got.Subject != "per_ada" || string(got.Value) != "value of a" || !got.Expires.Equal(set.Clock.Now().Add(time.Hour)) {
		t.Errorf("got %+v, %v", got, err)
	}
	newer := entry(set, "a", "")
	newer.Value = []byte("newer")
	put(t, s, newer)
	if got, err := s.Ephemeral().Get(t.Context(), "a"); err != nil || string(got.Value) != "newer" || got.Subject != "" {
		t.Errorf("got %q of %q, %v; want the newer value of nobody", got.Value, got.Subject, err)
	}
	if err := s.Ephemeral().Put(t.Context(), store.Entry{Key: "endless"}); err == nil {
		t.Error("an entry without an end was kept")
	}
	set.Clock.Move(30 * time.Minute)
	c := NewLife("/srv/a").Requested()
	c.Keep = []store.Entry{entry(set, "kept", "req_x"), entry(set, "kept too", "req_x")}
	commit(t, s, c)
	set.Clock.Move(30 * time.Minute)
	absent(t, s, "a", "ended")
	if got, err := s.Ephemeral().Get(t.Context(), "kept"); err != nil || string(got.Value) != "value of kept" {
		t.Errorf("got %q, %v; want what the change kept", got.Value, err)
	}
}

func oneTaker(t *testing.T, set *Setting, s store.Store) {
	put(t, s, entry(set, "a", "per_ada"))
	if n := race(t, func(ctx context.Context) (bool, error) {
		_, err := s.Ephemeral().Take(ctx, "a")
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return true, err
	}); n != 1 {
		t.Errorf("%d took the entry, want 1", n)
	}
	absent(t, s, "a", "taken")
	put(t, s, entry(set, "a", "per_ada"))
	if _, err := s.Ephemeral().Take(t.Context(), "a"); err != nil {
		t.Errorf("put again, and: %v", err)
	}
}

func droppedSubject(t *testing.T, set *Setting, s store.Store) {
	put(t, s, entry(set, "a", "per_ada"))
	put(t, s, entry(set, "a2", "per_ada"))
	put(t, s, entry(set, "b", "per_bob"))
	if err := s.Ephemeral().DropSubject(t.Context(), "per_ada"); err != nil {
		t.Fatal(err)
	}
	absent(t, s, "a", "dropped with its subject")
	absent(t, s, "a2", "dropped with its subject")
	if _, err := s.Ephemeral().Get(t.Context(), "b"); err != nil {
		t.Errorf("the entry of another: %v", err)
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
