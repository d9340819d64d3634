package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"golang.org/x/mod/sumdb/tlog"
)

// TestRequests is the suite of store.Requests.
func TestRequests(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *Setting, store.Store)
	}{
		{"ARequestIsTheFoldOfItsEvents", folded},
		{"WhatIsReadIsTheReadersOwn", ownCopies},
		{"EventsComeInOrderAndOpened", orderedEvents},
		{"SearchFindsByEachField", searchFields},
		{"SearchGoesOnWhereItEnded", searchPages},
		{"LastSaysWhatBecameOfTheNewest", last},
	} {
		t.Run(c.name, func(t *testing.T) {
			setting := NewSetting(t)
			c.test(t, setting, open(t, setting))
		})
	}
}

func last(t *testing.T, set *Setting, s store.Store) {
	life := NewLife("/srv/a")
	q := store.Query{Requester: life.Row.Requester, Digest: life.Row.Digest}
	if _, err := s.Last(t.Context(), q); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v before any was asked for, want ErrNotFound", err)
	}
	commit(t, s, life.Released())
	set.Clock.Move(time.Minute)
	commit(t, s, life.Completed())
	set.Clock.Move(time.Minute)
	other := NewLife("/srv/b")
	other.Row.Requester = "agt_other"
	commit(t, s, other.Released())
	want, err := s.Get(t.Context(), life.ID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Last(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if got.Request != want.ID || !got.At.Equal(want.UpdatedAt) || got.Decision != want.Decision || got.Execution != want.Execution {
		t.Errorf("got %+v, want what became of %s: %+v at %s", got, want.ID, want.State, want.UpdatedAt)
	}
}

func folded(t *testing.T, set *Setting, s store.Store) {
	life := NewLife("/srv/a")
	commit(t, s, life.Released())
	asked := set.Clock.Now()
	set.Clock.Move(time.Minute)
	commit(t, s, life.Completed())
	r, err := s.Get(t.Context(), life.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != life.ID || r.Version != 4 || r.State != life.State || r.Digest != life.Row.Digest || r.Requester != Bot() ||
		!r.CreatedAt.Equal(asked) || !r.SettledAt.Equal(set.Clock.Now()) || r.Outcome == nil || r.Outcome.Bytes != "412" {
		t.Errorf("got %+v", r)
	}
	commit(t, s, PersonChange("per_ada", "ada", 1))
	if _, err := s.Get(t.Context(), "per_ada"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a person got as a request: %v, want ErrNotFound", err)
	}
}

func ownCopies(t *testing.T, _ *Setting, s store.Store) {
	life := NewLife("/srv/a")
	commit(t, s, life.Requested())
	commit(t, s, life.Rejected())
	r, err := s.Get(t.Context(), life.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Decisions[0].Void = "spoilt"
	r.Decisions = append(r.Decisions, countersign.Decision{})
	r, err = s.Get(t.Context(), life.ID)
	if err != nil || len(r.Decisions) != 1 || r.Decisions[0].Void != "" {
		t.Errorf("got decisions %+v, %v; want the one that was recorded", r.Decisions, err)
	}
	leaves, err := s.Leaves(t.Context(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	leaves[0][0] = 'X'
	if again, err := s.Leaves(t.Context(), 0, 1); err != nil || again[0][0] == 'X' {
		t.Errorf("a leaf was changed by its reader, %v", err)
	}
	first := tlog.Tile{H: ledger.TileHeight, W: 1}
	tile, err := s.Tile(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(tile)
	tile[0] ^= 1
	if again, err := s.Tile(t.Context(), first); err != nil || !slices.Equal(again, want) {
		t.Errorf("a tile was changed by its reader, %v", err)
	}
}

func orderedEvents(t *testing.T, _ *Setting, s store.Store) {
	a, b := NewLife("/srv/a"), NewLife("/srv/b")
	commit(t, s, a.Requested())
	commit(t, s, b.Requested())
	for range 5 {
		commit(t, s, a.Joined())
		commit(t, s, b.Joined())
	}
	commit(t, s, b.Rejected())
	entries, err := s.Events(t.Context(), b.ID)
	if err != nil || len(entries) != 7 {
		t.Fatalf("got %d events, %v; want 7", len(entries), err)
	}
	for i, entry := range entries {
		e, err := entry.Event()
		if err != nil {
			t.Fatal(err)
		}
		if e.Request != b.ID || e.Version != uint64(i)+1 || e.Who.Actor.ID == "" || (e.Command != nil) != (i == 0) {
			t.Errorf("event %d is version %d of %s by %q", i, e.Version, e.Request, e.Who.Actor.ID)
		}
		open, err := s.Vault().Open(t.Context(), entry.Index)
		if err != nil || string(open.Who.Value) != string(entry.Open.Who.Value) || open.Context.Salt != entry.Open.Context.Salt {
			t.Errorf("the vault opens leaf %d otherwise: %v", entry.Index, err)
		}
	}
}

func searchFields(t *testing.T, set *Setting, s store.Store) {
	start := set.Clock.Now()
	pending, running, done, rejected := NewLife("/srv/pending"), NewLife("/srv/running"), NewLife("/srv/done"), NewLife("/srv/rejected")
	done.Row.Resource, rejected.Row.Requester = "db/crm", "agt_other"
	commit(t, s, pending.Requested())
	commit(t, s, running.Released())
	set.Clock.Move(time.Minute)
	commit(t, s, done.Released())
	commit(t, s, done.Completed())
	commit(t, s, rejected.Requested())
	commit(t, s, rejected.Rejected())
	commit(t, s, PersonChange("per_ada", "ada", 1))
	for name, c := range map[string]struct {
		query store.Query
		want  []*Life
	}{
		"all":                {store.Query{}, []*Life{rejected, done, running, pending}},
		"pending":            {store.Query{Decision: countersign.DecisionPending}, []*Life{pending}},
		"allowed":            {store.Query{Decision: countersign.DecisionAllowed}, []*Life{done, running}},
		"running":            {store.Query{Execution: countersign.ExecutionRunning}, []*Life{running}},
		"succeeded":          {store.Query{Execution: countersign.ExecutionSucceeded}, []*Life{done}},
		"resource":           {store.Query{Resource: "db/crm"}, []*Life{done}},
		"requester":          {store.Query{Requester: "agt_other"}, []*Life{rejected}},
		"digest":             {store.Query{Digest: running.Row.Digest}, []*Life{running}},
		"since":              {store.Query{Since: start.Add(time.Microsecond)}, []*Life{rejected, done}},
		"two fields":         {store.Query{Requester: "agt_bot", Decision: countersign.DecisionAllowed, Resource: "mcp/files"}, []*Life{running}},
		"nothing":            {store.Query{Resource: "shell/x"}, nil},
		"as of this instant": {store.Query{Since: set.Clock.Now()}, []*Life{rejected, done}},
	} {
		found, cursor, err := s.Search(t.Context(), c.query)
		if err != nil || cursor != "" {
			t.Errorf("%s: cursor %q, %v", name, cursor, err)
		}
		if got, want := ids(found), lifeIDs(c.want); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func ids(found []countersign.Request) []countersign.RequestID {
	var list []countersign.RequestID
	for _, r := range found {
		list = append(list, r.ID)
	}
	return list
}

func lifeIDs(lives []*Life) []countersign.RequestID {
	var list []countersign.RequestID
	for _, l := range lives {
		list = append(list, l.ID)
	}
	return list
}

func searchPages(t *testing.T, _ *Setting, s store.Store) {
	var want []countersign.RequestID
	for range 7 {
		l := NewLife("/srv/a")
		commit(t, s, l.Requested())
		want = append([]countersign.RequestID{l.ID}, want...)
	}
	q := store.Query{Limit: 3, Decision: countersign.DecisionPending}
	var got []countersign.RequestID
	for page := range 3 {
		found, cursor, err := s.Search(t.Context(), q)
		if err != nil || (cursor == "") != (page == 2) {
			t.Fatalf("page %d: cursor %q, %v", page, cursor, err)
		}
		got, q.Cursor = append(got, ids(found)...), cursor
		commit(t, s, NewLife("/srv/later").Requested())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, cursor, err := s.Search(t.Context(), store.Query{Limit: 10}); err != nil || cursor != "" {
		t.Errorf("the last page, which is full, has cursor %q, %v", cursor, err)
	}
	if _, _, err := s.Search(t.Context(), store.Query{Cursor: "'; --"}); err == nil {
		t.Error("a cursor that no search gave was taken")
	}
}
