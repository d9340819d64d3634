package countersign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

func TestAControlReadsBackAsItWas(t *testing.T) {
	c, err := countersign.Changing("grp:dba", 7, countersign.GroupChanged{Group: countersign.Group{Name: "dba", Members: []countersign.Member{{Person: "per_bob"}}}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := countersign.Canonical(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := countersign.ParseCommand(b)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := again.(countersign.Control)
	if !ok || got.Entity != c.Entity || got.From != 7 || got.BodyKind != c.BodyKind || string(got.Body) != string(c.Body) {
		t.Errorf("got %+v, want %+v", again, c)
	}
	other := c
	other.From++
	if one, _ := countersign.DigestOf(c); one == must(countersign.DigestOf(other)) {
		t.Error("two changes from other versions have one digest")
	}
	for _, wrong := range []string{strings.Replace(string(b), `"7"`, `"07"`, 1), strings.Replace(string(b), `"7"`, `"x"`, 1), strings.Replace(string(b), "entity", "Entity", 1)} {
		if _, err := countersign.ParseCommand([]byte(wrong)); err == nil {
			t.Errorf("%s was taken for a command", wrong)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestARecordedChangeIsTheOneAskedForOrIsNot(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	old := countersign.Member{Person: "per_alice", Since: at.Add(-time.Hour)}
	asked := countersign.GroupChanged{Group: countersign.Group{Name: "dba", Members: []countersign.Member{old, {Person: "per_bob"}}}}
	c := must(countersign.Changing("grp:dba", 7, asked))
	event := func(change func(*countersign.Event, *countersign.GroupChanged)) countersign.Event {
		b := countersign.Beginning(asked, at.Add(time.Second)).(countersign.GroupChanged)
		e := countersign.Event{Request: "grp:dba", Version: 8, At: at.Add(2 * time.Second)}
		change(&e, &b)
		e.Body = b
		return e
	}
	if !c.Did(event(func(*countersign.Event, *countersign.GroupChanged) {}), at) {
		t.Error("the change is not taken for the one asked for")
	}
	if !asked.Group.Members[1].Since.IsZero() {
		t.Error("what was asked for was written to")
	}
	for name, change := range map[string]func(*countersign.Event, *countersign.GroupChanged){
		"another entity":  func(e *countersign.Event, _ *countersign.GroupChanged) { e.Request = "grp:dbb" },
		"another version": func(e *countersign.Event, _ *countersign.GroupChanged) { e.Version++ },
		"one more": func(_ *countersign.Event, b *countersign.GroupChanged) {
			b.Group.Members = append(b.Group.Members, old)
		},
		"somebody else": func(_ *countersign.Event, b *countersign.GroupChanged) { b.Group.Members[1].Person = "per_eve" },
		"begun before the release": func(_ *countersign.Event, b *countersign.GroupChanged) {
			b.Group.Members[1].Since = at.Add(-time.Second)
		},
		"begun long after": func(_ *countersign.Event, b *countersign.GroupChanged) {
			b.Group.Members[1].Since = at.Add(time.Hour)
		},
		"an older membership moved": func(_ *countersign.Event, b *countersign.GroupChanged) { b.Group.Members[0].Since = at },
		"solo":                      func(_ *countersign.Event, b *countersign.GroupChanged) { b.Solo = true },
	} {
		if c.Did(event(change), at) {
			t.Errorf("%s: taken for the change asked for", name)
		}
	}
}
