package wire

import (
	"maps"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

// OnCall are the on-call groups by name, each with who is on duty as far as is on
// record.
func OnCall(d *countersign.Directory) []client.OnCall {
	out := []client.OnCall{}
	for _, name := range slices.Sorted(maps.Keys(d.Groups)) {
		g := d.Groups[name]
		if !g.IsOnCall() {
			continue
		}
		one := client.OnCall{Group: name, Pool: g.Pool, People: []string{}}
		for _, m := range g.Members {
			one.People = append(one.People, d.People[m.Person].Name)
		}
		slices.Sort(one.People)
		out = append(out, one)
	}
	return out
}
