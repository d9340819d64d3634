package quorum

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
)

// Short says why not enough people could approve the request as things stand, one
// sentence for each stage that falls short; none if enough could. Nobody who comes
// later can decide it either: it would have to be asked again.
func Short(d *countersign.Directory, r countersign.Request) []string {
	stages := r.Verdict.Requirement.Stages
	var able []Voter
	for _, id := range asked(d, stages) {
		if MayDecide(d, r, id) != nil {
			continue
		}
		able = append(able, Voter{id, Seats(d, r, id), best(d, r, id)})
		if Met(stages, able) {
			return nil
		}
	}
	var why []string
	for _, s := range stages {
		if says := short(s, able); says != "" {
			why = append(why, says)
		}
	}
	if len(why) == 0 {
		needed := 0
		for _, s := range stages {
			needed += s.Quorum
		}
		why = append(why, fmt.Sprintf("it needs %d different people, and %d can decide it", needed, len(able)))
	}
	return why
}

// asked are the ids, sorted, of the people of the groups that stages name, and of
// those who stand in for them.
func asked(d *countersign.Directory, stages []countersign.Stage) []string {
	var ids []string
	for _, s := range stages {
		for _, name := range s.Reviewers {
			for _, m := range d.Groups[name].Members {
				ids = append(ids, m.Person)
			}
			if name == countersign.Everyone {
				for id := range d.People {
					ids = append(ids, id)
				}
			}
		}
	}
	for _, id := range slices.Clone(ids) {
		if away, on := d.AwayOf(id); on && away.StandIn != "" {
			ids = append(ids, away.StandIn)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// best is the highest assurance that the person's approval of the request can have.
func best(d *countersign.Directory, r countersign.Request, person string) countersign.Assurance {
	for _, c := range d.CredentialsOf(person) {
		if MaySign(d, r, person, c.ID) == nil {
			return countersign.Passkey
		}
	}
	return countersign.Session
}

// short says what one stage lacks, nothing if enough people could fill it.
func short(s countersign.Stage, able []Voter) string {
	there, proven := 0, 0
	for _, v := range able {
		if !Overlap(s.Reviewers, v.groups) {
			continue
		}
		if there++; v.assurance.Meets(s.Assurance) {
			proven++
		}
	}
	who := strings.Join(s.Reviewers, " or ")
	switch {
	case who == "" || proven >= s.Quorum:
		return ""
	case there == 0:
		return fmt.Sprintf("it needs %s of %s, and nobody there can decide it", people(s.Quorum), who)
	case there < s.Quorum:
		return fmt.Sprintf("it needs %s of %s, and %d there can decide it", people(s.Quorum), who, there)
	case proven == 0:
		return fmt.Sprintf("it needs a passkey of %s, and nobody there who can decide it has one that counts", who)
	}
	return fmt.Sprintf("it needs %s with passkeys of %s, and %d there can decide it with one", people(s.Quorum), who, proven)
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
