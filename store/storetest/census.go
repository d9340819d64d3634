package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// TestCounter is the suite of store.Counter, for stores that are one.
func TestCounter(t *testing.T, open Open) {
	set := NewSetting(t)
	s := open(t, set)
	counter := s.(store.Counter)
	look := func(what string, want store.Census) {
		t.Helper()
		if got, err := counter.Census(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", what, got, err, want)
		}
	}
	look("an empty store", store.Census{})
	commit(t, s, PersonChange("per_ada", "ada", 1))
	look("people are not counted", store.Census{})

	began := set.Clock.Now()
	var waiting []*Life
	for i := range 3 {
		life := NewLife(fmt.Sprintf("/srv/%d", i))
		c := life.Requested()
		c.Jobs = []store.Job{{Kind: "expire", Key: string(life.ID), Due: set.Clock.Now().Add(10 * time.Minute)}}
		commit(t, s, c)
		waiting = append(waiting, life)
		set.Clock.Move(time.Minute)
	}
	running, lost := NewLife("/srv/running"), NewLife("/srv/lost")
	commit(t, s, running.Released())
	commit(t, s, lost.Released())
	look("three wait and two run", store.Census{
		Pending: 3, Running: 2, Oldest: began, Jobs: []store.Backlog{{Kind: "expire", Jobs: 3}},
	})

	commit(t, s, lost.Then(
		countersign.State{Decision: countersign.DecisionAllowed, Execution: countersign.ExecutionUnknown},
		countersign.Completed{Outcome: countersign.Outcome{Execution: countersign.ExecutionUnknown}},
	))
	commit(t, s, running.Completed())
	commit(t, s, waiting[0].Rejected())
	if err := s.Add(t.Context(), store.Job{Kind: "cards", Key: "a", Due: set.Clock.Now()}); err != nil {
		t.Fatal(err)
	}
	set.Clock.Move(8*time.Minute + 30*time.Second)
	look("the first was rejected, and some are due", store.Census{
		Pending: 2, Unknown: 1, Oldest: began.Add(time.Minute),
		Jobs: []store.Backlog{
			{Kind: "cards", Jobs: 1, Due: 1, Since: began.Add(3 * time.Minute)},
			{Kind: "expire", Jobs: 3, Due: 2, Since: began.Add(10 * time.Minute)},
		},
	})
}
