package countersign_test

import (
	"testing"

	"github.com/countersignhq/countersign"
)

func TestALinkEndsWithItsPersonAndDoesNotComeBack(t *testing.T) {
	bob := countersign.Person{ID: "per_bob", Name: "bob"}
	gone := bob
	gone.Inactive = true
	link := countersign.Link{Chat: "slack", Workspace: "T1", Account: "U1", Person: "per_bob"}
	other := countersign.Link{Chat: "slack", Workspace: "T1", Account: "U2", Person: "per_ada"}
	d := countersign.NewDirectory()
	take := func(id countersign.RequestID, b countersign.Body) {
		t.Helper()
		next, err := d.With(countersign.Event{Request: id, Version: d.Versions[id] + 1, Body: b})
		if err != nil {
			t.Fatal(err)
		}
		d = next
	}
	take("per_bob", countersign.PersonChanged{Person: bob})
	take("per_ada", countersign.PersonChanged{Person: countersign.Person{ID: "per_ada", Name: "ada"}})
	take(link.ID(), countersign.LinkMade{Link: link})
	take(other.ID(), countersign.LinkMade{Link: other})
	before := d
	if p, ok := d.LinkedTo("lnk:slack/T1/U1"); !ok || p.ID != "per_bob" {
		t.Fatalf("got %v, %t; want bob", p, ok)
	}
	take("per_bob", countersign.PersonChanged{Person: gone})
	take("per_bob", countersign.PersonChanged{Person: bob})
	if p, ok := d.LinkedTo(link.ID()); ok {
		t.Errorf("the link of %s came back with its person", p.Name)
	}
	if _, ok := before.LinkedTo(link.ID()); !ok {
		t.Error("an older snapshot was changed")
	}
	if len(d.LinksOf("per_ada")) != 1 {
		t.Error("the link of another was broken")
	}
	take(other.ID(), countersign.LinkBroken{Link: other, Because: "left"})
	if _, ok := d.LinkedTo(other.ID()); ok || len(d.LinksOf("per_ada")) != 0 {
		t.Error("a broken link still links")
	}
}
