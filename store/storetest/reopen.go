package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// TestReopen checks that all is there again, and goes on, when a store is closed
// and opened over what it kept. reopen closes the one before.
func TestReopen(t *testing.T, open Open, reopen func(t *testing.T, set *Setting, s store.Store) store.Store) {
	setting := NewSetting(t)
	s := open(t, setting)
	lives := []*Life{NewLife("/srv/0"), NewLife("/srv/1")}
	for _, l := range lives {
		l.Row.OpenKey = l.Text
		c := l.Requested()
		c.Jobs = []store.Job{{Kind: "expire", Key: string(l.ID), Due: setting.Clock.Now(), Body: []byte("why")}}
		c.Keep = []store.Entry{{Key: "result of " + l.Text, Value: []byte("42"), Expires: setting.Clock.Now().Add(time.Hour)}}
		commit(t, s, c)
	}
	commit(t, s, PersonChange("per_ada", "ada", 1))
	commit(t, s, PersonChange("per_bob", "bob", 1))
	heads := []ledger.Checkpoint{commit(t, s, PersonChange("per_ada", "ada lovelace", 2)).Checkpoint}
	for round, grow := range []int{1, 250, 1, 255, 300, 1} {
		s = reopen(t, setting, s)
		head, err := s.Head(t.Context())
		if last := heads[len(heads)-1]; err != nil || head.Size != last.Size || head.Root != last.Root {
			t.Fatalf("round %d: got head of size %d, %v; want %d", round, head.Size, err, last.Size)
		}
		commit(t, s, lives[0].Joined())
		heads = append(heads, commit(t, s, longLife(grow)).Checkpoint)
	}
	checkLog(t, setting, s, heads)
	stillThere(t, s, lives)
}

func stillThere(t *testing.T, s store.Store, lives []*Life) {
	t.Helper()
	for _, l := range lives {
		r, err := s.Get(t.Context(), l.ID)
		if err != nil || r.Version != l.Version || r.Decision != countersign.DecisionPending {
			t.Errorf("%s: got version %d %s, %v; want %d pending", l.ID, r.Version, r.Decision, err, l.Version)
		}
		if id, err := s.Open(t.Context(), l.Text); err != nil || id != l.ID {
			t.Errorf("open key %s: got %s, %v; want %s", l.Text, id, err, l.ID)
		}
		if e, err := s.Ephemeral().Get(t.Context(), "result of "+l.Text); err != nil || string(e.Value) != "42" {
			t.Errorf("entry of %s: %q, %v", l.Text, e.Value, err)
		}
	}
	jobs, err := s.Claim(t.Context(), "expire", time.Minute, 10)
	if err != nil || len(jobs) != len(lives) || string(jobs[0].Body) != "why" {
		t.Errorf("got jobs %v, %v; want %d", jobs, err, len(lives))
	}
	d, err := s.Snapshot(t.Context())
	if err != nil || fmt.Sprint(d.Versions) != "map[per_ada:2 per_bob:1]" || d.Version != 3 || d.People["per_ada"].Name != "ada lovelace" {
		t.Errorf("got directory %v, %v", d, err)
	}
}
