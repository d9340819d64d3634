package understand

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tables writes both catalogues as docs/policy.md prints them.
func tables() (verbs, indicators string) {
	var v, i strings.Builder
	v.WriteString("| verb | may change something | what it is |\n|---|---|---|\n")
	for _, verb := range Verbs() {
		mutates := "no"
		if verb.Mutates {
			mutates = "yes"
		}
		fmt.Fprintf(&v, "| `%s` | %s | %s |\n", verb.ID, mutates, verb.Says)
	}
	i.WriteString("| indicator | severity | what was found |\n|---|---|---|\n")
	for _, ind := range Indicators() {
		fmt.Fprintf(&i, "| `%s` | %s | %s |\n", ind.ID, ind.Severity, ind.Says)
	}
	return v.String(), i.String()
}

func TestTheDocumentPrintsTheTablesOfTheCode(t *testing.T) {
	page, err := os.ReadFile("../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	verbs, indicators := tables()
	for _, want := range []string{verbs, indicators} {
		if !strings.Contains(string(page), want) {
			t.Errorf("docs/policy.md does not have this table; copy it there:\n%s", want)
		}
	}
}

func TestTheCataloguesAreSortedAndEachWordIsThereOnce(t *testing.T) {
	word := regexp.MustCompile(`^[a-z0-9]+\.[a-z-]+$`)
	check := func(what, says string, ids []string) {
		id := ids[len(ids)-1]
		if !word.MatchString(id) || !strings.HasSuffix(strings.TrimSuffix(says, ")"), ".") && !strings.HasSuffix(says, ").") {
			t.Errorf("%s %q says %q: want a lower-case id with one dot, and a sentence", what, id, says)
		}
		if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Errorf("%s %q is out of order or there twice", what, id)
		}
	}
	var ids []string
	for _, v := range Verbs() {
		ids = append(ids, v.ID)
		check("verb", v.Says, ids)
		if got, ok := FindVerb(v.ID); !ok || got != v {
			t.Errorf("FindVerb(%q) = %+v, %v", v.ID, got, ok)
		}
	}
	ids = nil
	for _, ind := range Indicators() {
		ids = append(ids, ind.ID)
		check("indicator", ind.Says, ids)
		if got, ok := FindIndicator(ind.ID); !ok || got != ind {
			t.Errorf("FindIndicator(%q) = %+v, %v", ind.ID, got, ok)
		}
	}
	if v, ok := FindVerb("mcp.reed"); ok {
		t.Errorf("got %+v for a verb that is not there", v)
	}
	if ind, ok := FindIndicator("text.bidy"); ok {
		t.Errorf("got %+v for an indicator that is not there", ind)
	}
}

func TestNobodyCanChangeTheCatalogue(t *testing.T) {
	Verbs()[0].Says, Indicators()[0].Says = "changed", "changed"
	if Verbs()[0].Says == "changed" || Indicators()[0].Says == "changed" {
		t.Error("a caller changed the catalogue")
	}
}
