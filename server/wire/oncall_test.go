package wire_test

import (
	"reflect"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/wire"
)

func TestWhoIsOnCallIsWhoTheRecordHasOnDuty(t *testing.T) {
	d := countersign.NewDirectory()
	d.People["per_1"] = countersign.Person{ID: "per_1", Name: "Mei"}
	d.People["per_2"] = countersign.Person{ID: "per_2", Name: "Bob"}
	pool := []countersign.Member{{Person: "per_1"}, {Person: "per_2"}}
	d.Groups["payments"] = countersign.Group{Name: "payments", Members: pool}
	d.Groups["oncall:payments"] = countersign.Group{Name: "oncall:payments", Pool: "payments", Members: pool}
	d.Groups["oncall:night"] = countersign.Group{Name: "oncall:night", Pool: "payments"}
	want := []client.OnCall{
		{Group: "oncall:night", Pool: "payments", People: []string{}},
		{Group: "oncall:payments", Pool: "payments", People: []string{"Bob", "Mei"}},
	}
	if got := wire.OnCall(d); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
