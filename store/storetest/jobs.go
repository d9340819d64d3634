package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/countersignhq/countersign/store"
)

func replacedJob(t *testing.T, set *Setting, s store.Store) {
	life := NewLife("/srv/a")
	c := life.Requested()
	c.Jobs = []store.Job{{Kind: "cards", Key: "a", Due: set.Clock.Now(), Body: []byte("first")}}
	commit(t, s, c)
	slow := claims(t, s, "cards", 1, "a")[0]
	for _, body := range []string{"second", "third"} {
		again := life.Joined()
		again.Jobs = []store.Job{{Kind: "cards", Key: "a", Due: set.Clock.Now(), Body: []byte(body)}}
		commit(t, s, again)
	}
	claims(t, s, "cards", 1) // the first is still being worked on
	if err := s.Postpone(t.Context(), slow); !errors.Is(err, store.ErrConflict) {
		t.Errorf("postpone after the job was replaced: got %v, want ErrConflict", err)
	}
	third := claims(t, s, "cards", 1, "a")[0]
	if string(third.Body) != "third" {
		t.Errorf("got %q, want the body of the last change", third.Body)
	}
	if err := s.Finish(t.Context(), slow); !errors.Is(err, store.ErrConflict) {
		t.Errorf("finish a second time: got %v, want ErrConflict", err)
	}
	claims(t, s, "cards", 1) // of which the third knows nothing
	again := life.Joined()
	again.Jobs = c.Jobs
	commit(t, s, again)
	set.Clock.Move(time.Hour) // the claimer crashed
	claims(t, s, "cards", 1, "a")
}

func postponedJob(t *testing.T, set *Setting, s store.Store) {
	c := NewLife("/srv/a").Requested()
	c.Jobs = []store.Job{{Kind: "cards", Key: "a", Due: set.Clock.Now()}}
	commit(t, s, c)
	j := claims(t, s, "cards", 1, "a")[0]
	later := j
	later.Due, later.Body = set.Clock.Now().Add(10*time.Second), []byte("tries: 1")
	if err := s.Postpone(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(t.Context(), j); !errors.Is(err, store.ErrConflict) {
		t.Errorf("finish what was given back: got %v, want ErrConflict", err)
	}
	claims(t, s, "cards", 1)
	set.Clock.Move(10 * time.Second)
	if j = claims(t, s, "cards", 1, "a")[0]; string(j.Body) != "tries: 1" || !j.Due.Equal(later.Due) {
		t.Errorf("got %q due %s, want what it was given back with", j.Body, j.Due)
	}
	j.Lease = ""
	if err := s.Postpone(t.Context(), j); !errors.Is(err, store.ErrConflict) {
		t.Errorf("postpone without a claim: got %v, want ErrConflict", err)
	}
}

func addedJob(t *testing.T, set *Setting, s store.Store) {
	add := func(ctx context.Context, body string) error {
		return s.Add(ctx, store.Job{Kind: "inbox", Key: "envelope", Due: set.Clock.Now(), Body: []byte(body)})
	}
	if n := race(t, func(ctx context.Context) (bool, error) {
		err := add(ctx, "click")
		if errors.Is(err, store.ErrExists) {
			return false, nil
		}
		return true, err
	}); n != 1 {
		t.Errorf("%d added the job, want 1", n)
	}
	j := claims(t, s, "inbox", 5, "envelope")[0]
	if err := add(t.Context(), "forged"); !errors.Is(err, store.ErrExists) {
		t.Errorf("added while it is claimed: got %v, want ErrExists", err)
	}
	if string(j.Body) != "click" {
		t.Errorf("got %q, want the body that was added first", j.Body)
	}
	if err := s.Finish(t.Context(), j); err != nil {
		t.Errorf("finish after another tried to add it: %v", err)
	}
	if err := add(t.Context(), "again"); err != nil {
		t.Errorf("added when it was done: %v", err)
	}
}

func lookedAtJobs(t *testing.T, set *Setting, s store.Store) {
	for _, key := range []string{"a", "b"} {
		if err := s.Add(t.Context(), store.Job{Kind: "dead", Key: key, Due: set.Clock.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a claim of no time keeps nothing from anybody
		if jobs, err := s.Claim(t.Context(), "dead", 0, 10); err != nil || len(jobs) != 2 {
			t.Errorf("looked at %v, %v; want both", jobs, err)
		}
	}
	claims(t, s, "dead", 10, "a", "b")
	if jobs, err := s.Claim(t.Context(), "dead", 0, 10); err != nil || len(jobs) != 0 {
		t.Errorf("looked at %v, %v; want nothing while they are claimed", jobs, err)
	}
}
