package policy

import (
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
)

func TestLintCountsThePoolOfAnOnCallGroup(t *testing.T) {
	d := lintDirectory()
	for _, pool := range []string{"dba", "oncall"} {
		d.Groups[countersign.OnCallPrefix+pool] = countersign.Group{Name: countersign.OnCallPrefix + pool, Pool: pool}
	}
	c := CatalogueOf(d, nil)
	for rules, want := range map[string]string{
		`- {id: a, why: w, effect: hold, require: {reviewers: ["oncall:oncall"], quorum: 2}}`:                        "",
		`- {id: a, why: w, effect: hold, require: {reviewers: ["oncall:dba"], quorum: 2}}`:                           "it needs 2 of oncall:dba, who are 1",
		`- {id: a, why: w, effect: hold, require: {reviewers: ["oncall:dab"]}}`:                                      `unknown group "oncall:dab"; did you mean "oncall:dba"?`,
		`- {id: a, why: w, effect: hold, require: {reviewers: [dba], escalate: {after: 5m, to: ["oncall:onacll"]}}}`: `unknown group "oncall:onacll"; did you mean "oncall:oncall"?`,
	} {
		var lines []string
		for _, f := range Lint(map[string][]byte{"p.yaml": []byte(head + rules)}, c, d) {
			if !strings.Contains(f.Text, "names no") {
				lines = append(lines, f.String())
			}
		}
		got := strings.Join(lines, "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s\ngot %q, want %q", rules, got, want)
		}
	}
}
