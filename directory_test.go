package countersign_test

import (
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

// changes are events that add n people, one by one, to a group.
func changes(n int) []countersign.Event {
	var events []countersign.Event
	group := countersign.Group{Name: "dba"}
	for i := range n {
		id := fmt.Sprintf("per_%012d", i)
		events = append(events, countersign.Event{Request: countersign.RequestID(id), Version: 1,
			Body: countersign.PersonChanged{Person: countersign.Person{ID: id}}})
		if i%100 == 0 {
			group.Members = append(group.Members, countersign.Member{Person: id, Since: time.Unix(int64(i), 0)})
			events = append(events, countersign.Event{Request: countersign.GroupID("dba"), Version: uint64(i/100 + 1),
				Body: countersign.GroupChanged{Group: group}})
		}
	}
	return events
}

func TestADirectoryIsFoldedAsItCameToBe(t *testing.T) {
	events := changes(250)
	step := countersign.NewDirectory()
	for _, e := range events {
		next, err := step.With(e)
		if err != nil {
			t.Fatal(err)
		}
		if len(step.Versions)+len(step.People) == len(next.Versions)+len(next.People) && e.Version == 1 {
			t.Fatalf("With %s changed the directory that it was asked of", e.Request)
		}
		step = next
	}
	folded, err := countersign.FoldDirectory(events)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(folded, step) {
		t.Errorf("folded it has %d people at version %d, step by step %d at %d", len(folded.People), folded.Version, len(step.People), step.Version)
	}
	if _, err := countersign.FoldDirectory(append(events, events[0])); err == nil {
		t.Error("an event was taken twice")
	}
}

func TestAStartIsLinearInTheDirectory(t *testing.T) {
	allocated := func(n int) float64 {
		events := changes(n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := countersign.FoldDirectory(events); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	few, many := allocated(500), allocated(4000)
	if many/few > 16 {
		t.Errorf("eight times the events take %.0f times the memory, want about eight", many/few)
	}
}
