package quorum

import (
	"testing"

	"github.com/countersignhq/countersign"
)

func TestEveryStageNeedsPeopleOfItsOwn(t *testing.T) {
	stage := func(quorum int, least countersign.Assurance, groups ...string) countersign.Stage {
		return countersign.Stage{Reviewers: groups, Quorum: quorum, Assurance: least}
	}
	voter := func(id string, with countersign.Assurance, groups ...string) Voter {
		return Voter{id: id, groups: groups, assurance: with}
	}
	bob := voter("bob", countersign.Session, "dba", "platform")
	carol := voter("carol", countersign.Session, "dba")
	erin := voter("erin", countersign.Chat, "platform")
	for name, c := range map[string]struct {
		stages []countersign.Stage
		voters []Voter
		want   bool
	}{
		"nobody is needed, which is never enough": {nil, []Voter{bob}, false},
		"a stage of none is a mistake":            {[]countersign.Stage{stage(0, countersign.Chat, "dba")}, []Voter{bob}, false},
		"one of one":                              {[]countersign.Stage{stage(1, countersign.Session, "dba")}, []Voter{bob}, true},
		"one of two":                              {[]countersign.Stage{stage(2, countersign.Session, "dba")}, []Voter{bob}, false},
		"two of one, an overshoot":                {[]countersign.Stage{stage(1, countersign.Session, "dba")}, []Voter{bob, carol}, true},
		"one person in two groups, two stages":    {[]countersign.Stage{stage(1, countersign.Chat, "dba"), stage(1, countersign.Chat, "platform")}, []Voter{bob}, false},
		"whoever fits twice makes room":           {[]countersign.Stage{stage(1, countersign.Chat, "dba"), stage(1, countersign.Chat, "platform")}, []Voter{bob, carol}, true},
		"in the other order too":                  {[]countersign.Stage{stage(1, countersign.Chat, "platform"), stage(1, countersign.Chat, "dba")}, []Voter{carol, bob}, true},
		"somebody of no group that is named":      {[]countersign.Stage{stage(1, countersign.Chat, "security")}, []Voter{bob, carol, erin}, false},
		"too little assurance":                    {[]countersign.Stage{stage(1, countersign.Session, "platform")}, []Voter{erin}, false},
		"a word that is no assurance":             {[]countersign.Stage{stage(1, "oath", "dba")}, []Voter{bob}, false},
	} {
		if got := Met(c.stages, c.voters); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}
