package wire

import (
	"maps"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

// Away is the person's absence, nil if there is none or it is over at the moment
// that the directory is looked at in.
func Away(d *countersign.Directory, person string) *client.Away {
	p := d.People[person]
	if p.Away == nil || !d.Now.Before(p.Away.Until) {
		return nil
	}
	_, now := d.AwayOf(person)
	out := client.Away{
		Person: p.Name, PersonID: p.ID, StandInID: p.Away.StandIn,
		From: p.Away.Begins(), Until: p.Away.Until, Since: p.Away.Since, Now: now,
	}
	if p.Away.StandIn != "" {
		out.StandIn = d.People[p.Away.StandIn].Name
	}
	return &out
}

// MyAway is the person's absence, and those for which they stand in.
func MyAway(d *countersign.Directory, person string) client.MyAway {
	out := client.MyAway{Away: Away(d, person), For: []client.Away{}}
	for _, id := range slices.Sorted(maps.Keys(d.People)) {
		if away := Away(d, id); away != nil && away.StandInID == person {
			out.For = append(out.For, *away)
		}
	}
	return out
}
