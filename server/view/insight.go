package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// An Insight says how people decide: how long it takes them, how long they look,
// how much they let through. It is folded from what is on record and nothing else.
type Insight struct {
	Since time.Time `json:"since"`
	// Everybody is true where it is of all people, and not of its reader alone.
	Everybody bool       `json:"everybody"`
	Requests  int        `json:"requests"` // that were held and asked for since
	Days      []Day      `json:"days"`     // each since, the oldest first
	Reviewers []Reviewer `json:"reviewers"`
	Rules     []RuleRow  `json:"rules"`
}

// A Day is what was held on one day of UTC, and the figures of what was chosen on it.
type Day struct {
	Day  string `json:"day"` // "2026-11-22"
	Held int    `json:"held"`
	Figures
}

// A Reviewer is one person's figures, in all and for each rule.
type Reviewer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Figures
	Rules []RuleRow `json:"rules"`
}

// A RuleRow is the figures of what one rule held; what no rule did is "default".
type RuleRow struct {
	ID string `json:"id"`
	Figures
}

// Figures count choices. Times run from when a request could be decided to the
// choice. Dwell is for how long pages claim to have shown the command; Dwelt is how
// many choices say so.
type Figures struct {
	Approved       int `json:"approved"`
	Rejected       int `json:"rejected"`
	Escalated      int `json:"escalated"`
	ApprovePercent int `json:"approve_percent"` // of approved and rejected
	MedianSeconds  int `json:"median_s"`
	P90Seconds     int `json:"p90_s"`
	Dwelt          int `json:"dwelt"`
	DwellMedianMS  int `json:"dwell_median_ms"`
	DwellP90MS     int `json:"dwell_p90_ms"`
}

// A tally is Figures in the making.
type tally struct {
	Figures
	seconds, dwell []int
}

// InsightOf folds the choices of people on the requests from since until now. It
// lists the person's own alone; of everybody where person is empty.
func InsightOf(requests []countersign.Request, since, now time.Time, person string) Insight {
	in := Insight{Since: since, Everybody: person == "", Reviewers: []Reviewer{}, Rules: []RuleRow{}}
	names, held := map[string]string{}, map[string]int{}
	people, rules, both, days := map[string]*tally{}, map[string]*tally{}, map[[2]string]*tally{}, map[string]*tally{}
	for _, r := range requests {
		if r.Verdict.Requirement == nil || r.CreatedAt.Before(since) {
			continue
		}
		in.Requests++
		held[dayOf(r.CreatedAt)]++
		for _, d := range r.Decisions {
			if d.By.Kind != countersign.KindPerson || person != "" && d.By.ID != person {
				continue
			}
			names[d.By.ID] = d.By.Name
			of(people, d.By.ID).take(r, d)
			of(days, dayOf(d.At)).take(r, d)
			for _, rule := range heldBy(r) {
				of(rules, rule).take(r, d)
				of(both, [2]string{d.By.ID, rule}).take(r, d)
			}
		}
	}
	for id, t := range people {
		one := Reviewer{ID: id, Name: names[id], Figures: t.figures(), Rules: []RuleRow{}}
		for key, t := range both {
			if key[0] == id {
				one.Rules = append(one.Rules, RuleRow{key[1], t.figures()})
			}
		}
		byID(one.Rules)
		in.Reviewers = append(in.Reviewers, one)
	}
	slices.SortFunc(in.Reviewers, func(a, b Reviewer) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	for id, t := range rules {
		in.Rules = append(in.Rules, RuleRow{id, t.figures()})
	}
	byID(in.Rules)
	for at := since; dayOf(at) <= dayOf(now); at = at.AddDate(0, 0, 1) {
		day := dayOf(at)
		in.Days = append(in.Days, Day{day, held[day], of(days, day).figures()})
	}
	return in
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func byID(rows []RuleRow) {
	slices.SortFunc(rows, func(a, b RuleRow) int { return strings.Compare(a.ID, b.ID) })
}

func of[K comparable](all map[K]*tally, key K) *tally {
	if all[key] == nil {
		all[key] = &tally{}
	}
	return all[key]
}

// heldBy are the ids of the rules that held the request.
func heldBy(r countersign.Request) []string {
	var ids []string
	for _, rule := range r.Verdict.Leading() {
		ids = append(ids, rule.ID)
	}
	if len(ids) == 0 {
		return []string{"default"}
	}
	return ids
}

func (t *tally) take(r countersign.Request, d countersign.Decision) {
	switch d.Choice {
	case countersign.Approve:
		t.Approved++
	case countersign.Reject:
		t.Rejected++
	case countersign.Escalate:
		t.Escalated++
	}
	t.seconds = append(t.seconds, paceOf(r, d).Seconds)
	if d.DwellMS > 0 {
		t.Dwelt++
		t.dwell = append(t.dwell, d.DwellMS)
	}
}

func (t *tally) figures() Figures {
	f := t.Figures
	if n := f.Approved + f.Rejected; n > 0 {
		f.ApprovePercent = (100*f.Approved + n/2) / n
	}
	slices.Sort(t.seconds)
	slices.Sort(t.dwell)
	f.MedianSeconds, f.P90Seconds = rank(t.seconds, 50), rank(t.seconds, 90)
	f.DwellMedianMS, f.DwellP90MS = rank(t.dwell, 50), rank(t.dwell, 90)
	return f
}

// rank is the nearest-rank percentile of sorted numbers, 0 of none.
func rank(sorted []int, percent int) int {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(percent*len(sorted)+99)/100-1]
}
