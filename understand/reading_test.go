package understand

import (
	"fmt"
	"slices"
	"testing"

	"github.com/countersignhq/countersign"
)

func parsed(t *testing.T, r Reading) Reading {
	t.Helper()
	got, err := ParseReading(r.Encode("sql.unclassified"))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAReadingSaysThatThereIsMoreThanItLists(t *testing.T) {
	for what, add := range map[string]func(r *Reading, i int){
		"objects":  func(r *Reading, i int) { r.Touches(fmt.Sprint("t", i), "sql.read") },
		"places":   func(r *Reading, i int) { r.Export(fmt.Sprint("p", i)) },
		"findings": func(r *Reading, i int) { r.Find("sql.lock", fmt.Sprint(i), countersign.Known) },
	} {
		few, many := Reading{Verbs: []string{"sql.read"}}, Reading{Verbs: []string{"sql.read"}}
		for i := range mostFound + 1 {
			if add(&many, i); i < mostFound-1 {
				add(&few, i)
			}
		}
		if r := parsed(t, few); r.More {
			t.Errorf("%d %s: more than is listed", mostFound-1, what)
		}
		r := parsed(t, many)
		if full := (Finding{"sql.unclassified", "more than is listed", countersign.Known}); !r.More || !slices.Contains(r.Found, full) {
			t.Errorf("%d %s: got %v, %v, want more", mostFound+1, what, r.More, r.Found)
		}
	}
}

// A rule asks whether there is an indicator at all.
func TestNoIndicatorIsHiddenByManyOfAnother(t *testing.T) {
	r := Reading{Verbs: []string{"sql.control"}}
	for i := range 2 * mostFound {
		r.Find("sql.os-command", fmt.Sprint(i), countersign.Known)
	}
	r.Find("sql.no-where", "users", countersign.Known)
	for _, f := range parsed(t, r).Found {
		if f.ID == "sql.no-where" {
			return
		}
	}
	t.Error("the last of many findings is not there")
}

func TestAllIndicatorsHaveRoomInAReading(t *testing.T) {
	of := map[string]int{}
	for _, ind := range Indicators() {
		of[ind.ID[:2]]++
	}
	for _, language := range []string{"sq", "sh"} {
		if of[language] == 0 || of[language] >= mostFound {
			t.Errorf("%d indicators begin with %s, and a reading has room for %d", of[language], language, mostFound-1)
		}
	}
}
