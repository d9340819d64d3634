package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

func TestAStarStandsForAnyText(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"db/crm", "db/crm", true}, {"db/crm", "db/crm2", false}, {"db/*", "db/crm", true}, {"db/*", "db/a/b", true},
		{"db/*", "db/", true}, {"db/*", "db", false}, {"*", "", true}, {"*", "x", true}, {"**", "x", true},
		{"*/crm", "db/crm", true}, {"*/crm", "db/crm/x", false}, {"d*m", "dm", true}, {"d*m*d", "dmd", true},
		{"d*m*d", "dd", false}, {"ab*ba", "aba", false}, {"db/?rm", "db/crm", false}, {"db/[c]rm", "db/crm", false},
	} {
		if got := glob(c.pattern, c.name); got != c.want {
			t.Errorf("glob(%q, %q) = %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}

// draw makes random matches and subjects out of few words, so that they meet.
type draw struct{ *rand.Rand }

func (d draw) some(of ...string) []string {
	var list []string
	for _, w := range of {
		if d.IntN(4) == 0 {
			list = append(list, w)
		}
	}
	return list
}

func (d draw) match() match {
	return match{
		resources:    d.some("db/crm", "db/*", "db/c*", "mcp/files", "*", "m*s", "db/crm2"),
		environments: d.some("prod", "staging"), verbs: d.some("sql.read", "sql.write", "mcp.read"),
		classes: d.some("pii", "internal"), kinds: d.some("agent", "person"), regions: d.some("eu", "us"),
	}
}

func (d draw) subject() subject {
	one := func(of ...string) string { return of[d.IntN(len(of))] }
	return subject{
		resource: one("db/crm", "db/crm2", "mcp/files", "d"), environment: one("prod", "staging", ""), kind: one("agent", "person", "operator"),
		verbs: d.some("sql.read", "sql.write", "mcp.read"), classes: d.some("pii", "internal", "other"), regions: d.some("eu", "us"),
	}
}

func TestTheIndexFindsEveryRuleThatFits(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	d := draw{rand.New(rand.NewPCG(seed, 0))}
	effects := []countersign.Effect{countersign.Allow, countersign.Hold, countersign.Deny}
	for range 200 {
		rules := make([]rule, d.IntN(40))
		for i := range rules {
			rules[i] = rule{id: fmt.Sprint(i), effect: effects[d.IntN(3)], match: d.match()}
		}
		x := newIndex(rules)
		for range 40 {
			s := d.subject()
			found := x.candidates(s)
			for i, r := range rules {
				if r.match.fits(s, r.effect) && !slices.Contains(found, i) {
					t.Fatalf("seed %d: the index misses %+v for %+v", seed, r, s)
				}
			}
			if !slices.IsSorted(found) || len(slices.Compact(slices.Clone(found))) != len(found) {
				t.Fatalf("seed %d: got %v, want each candidate once, in order", seed, found)
			}
		}
	}
}

func TestARuleThatCoversAnotherFitsWhateverItFits(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	d := draw{rand.New(rand.NewPCG(seed, 0))}
	covered := 0
	for range 20000 {
		a, b := d.match(), d.match()
		if !a.covers(b) {
			continue
		}
		covered++
		for range 20 {
			s := d.subject()
			for _, effect := range []countersign.Effect{countersign.Allow, countersign.Hold, countersign.Deny} {
				if b.fits(s, effect) && !a.fits(s, countersign.Hold) {
					t.Fatalf("seed %d: %+v covers %+v and does not fit %+v", seed, a, b, s)
				}
			}
		}
	}
	if covered == 0 {
		t.Fatal("no two matches covered each other; the test shows nothing")
	}
}
