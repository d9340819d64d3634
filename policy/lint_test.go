package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

// lintDirectory has one active dba, two of oncall, none of platform, and a
// resource owned by platform and one owned by nobody.
func lintDirectory() *countersign.Directory {
	d := countersign.NewDirectory()
	group := func(name string, people ...string) {
		g := countersign.Group{Name: name}
		for _, p := range people {
			g.Members = append(g.Members, countersign.Member{Person: p, Since: time.Unix(0, 0)})
			if _, ok := d.People[p]; !ok {
				d.People[p] = countersign.Person{ID: p, Inactive: p == "per_gone"}
			}
		}
		d.Groups[name] = g
	}
	group("dba", "per_a", "per_gone")
	group("oncall", "per_a", "per_b")
	group("dba-lead", "per_b")
	group("platform")
	d.Resources["db/crm"] = testResource()
	d.Resources["mcp/files"] = countersign.Resource{Name: "mcp/files", Environment: "staging"}
	return d
}

func lint(rules string) string {
	var lines []string
	for _, f := range Lint(map[string][]byte{"p.yaml": []byte(head + rules)}, testCatalogue(), lintDirectory()) {
		lines = append(lines, string(f.Level)+" "+f.String())
	}
	return strings.Join(lines, "\n")
}

func TestLintSaysWhatNobodyCanHaveMeant(t *testing.T) {
	const fine = "- {id: a, why: w, effect: hold, require: {reviewers: [oncall], quorum: 2}}"
	for _, c := range []struct{ name, rules, want string }{
		{"nothing wrong", fine, ""},
		{"what keeps it from loading", "- {id: a, effect: hodl}", `error p.yaml:5: rule a: unknown effect "hodl"; did you mean "hold"?`},
		{"no why", "- {id: a, effect: hold}", `warning p.yaml:5: rule a: it says no why; reviewers and agents are shown it`},
		{"a quorum beyond the group", "- {id: a, why: w, effect: hold, require: {reviewers: [dba], quorum: 2}}", `error p.yaml:5: rule a: it needs 2 of dba, who are 1`},
		{"owners without members", "- {id: a, why: w, match: {resources: [db/crm]}, effect: hold, require: {reviewers: [owners]}}", `error p.yaml:5: rule a: on db/crm it needs 1 of platform, who are 0`},
		{"no owners", "- {id: a, why: w, match: {environments: [staging]}, effect: hold, require: {reviewers: [owners]}}", `error p.yaml:5: rule a: on mcp/files there are no owners, so nobody can approve it`},
		{"stages that need the same person twice", "- {id: a, why: w, effect: hold, require: {stages: [{reviewers: [oncall], quorum: 2}, {reviewers: [dba-lead]}]}}", `error p.yaml:5: rule a: its stages need 3 different people, and all their groups have 2`},
		{"no such resource", "- {id: a, why: w, match: {resources: [db/crn]}, effect: deny}", `warning p.yaml:5: rule a: no resource is named "db/crn"`},
		{"an allow of every class", "- {id: a, why: w, match: {verbs: [sql.read]}, effect: allow}", `warning p.yaml:5: rule a: it allows data of every class; name data_classes or look at data.classes`},
		{"an allow that looks at classes", "- {id: a, why: w, match: {verbs: [sql.read]}, when: \"!('pii' in data.classes)\", effect: allow}", ``},
		{"an allow of every verb", "- {id: a, why: w, match: {data_classes: [internal]}, effect: allow}", `warning p.yaml:5: rule a: it allows writing as well as reading; name verbs`},
		{"a preview", "- {id: a, why: w, effect: hold, require: {preview: true}}", `warning p.yaml:5: rule a: it needs a preview; unless one is configured for the resource, where it counts, approval is refused`},
		{"a timer", "- {id: a, why: w, effect: hold, require: {escalate: {after: 15m, to: [dba-lead]}, remind: {every: 5m}}}", ""},
		{"a timer after the end", "- {id: a, why: w, effect: hold, require: {expires: 10m, escalate: {after: 15m, to: [dba-lead]}, remind: {after: 10m}}}", `warning p.yaml:5: rule a: it escalates after 15m0s, and expires after 10m0s: nobody is asked
warning p.yaml:5: rule a: it reminds after 10m0s, and expires after 10m0s: nobody is reminded`},
		{"a ladder to nobody", "- {id: a, why: w, effect: hold, require: {escalate: [{after: 5m, to: [platform]}]}}", `error p.yaml:5: rule a: it escalates to platform, who are 0: from then on nobody can approve it`},
		{"a bound", "- {id: a, why: w, effect: hold, require: {bounds: {rows: 5}}}", `warning p.yaml:5: rule a: it bounds rows; unless what runs commands on the resource keeps that bound, where it counts, approval is refused`},
		{"the same deny twice", "- {id: a, why: w, effect: deny, when: facts.exports}\n- {id: b, why: w, effect: deny, when: facts.exports}", `warning p.yaml:6: rule b: it says the same as a at p.yaml:5`},
		{"the same hold twice", fine + "\n- {id: b, why: w, effect: hold, require: {reviewers: [oncall], quorum: 2}}", `warning p.yaml:6: rule b: it says the same as a at p.yaml:5`},
		{"two holds that differ", fine + "\n- {id: b, why: w, effect: hold, require: {reviewers: [oncall], quorum: 1}}", ``},
		{"a hold under a deny", "- {id: a, why: w, effect: hold, match: {verbs: [sql.write], resources: ['db/c*']}}\n- {id: b, why: w, effect: deny, match: {verbs: [sql.write, sql.ddl], resources: ['db/*']}}", `warning p.yaml:5: rule a: it changes nothing: b at p.yaml:6 speaks wherever it does and says deny`},
		{"an allow under a hold", "- {id: a, why: w, effect: allow, match: {verbs: [sql.read], data_classes: [internal]}}\n- {id: b, why: w, effect: hold}", `warning p.yaml:5: rule a: it changes nothing: b at p.yaml:6 speaks wherever it does and says hold`},
		{"a hold under a deny that depends", "- {id: a, why: w, effect: hold, match: {verbs: [sql.write]}}\n- {id: b, why: w, effect: deny, when: facts.exports}", ``},
		{"a hold wider than a deny", "- {id: a, why: w, effect: hold, match: {verbs: [sql.write, sql.ddl]}}\n- {id: b, why: w, effect: deny, match: {verbs: [sql.write]}}", ``},
	} {
		if got := lint(c.rules); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestLintSaysThatNobodyIsAsked(t *testing.T) {
	text := "apiVersion: countersign/v1\nkind: PolicySet\nrules:\n- {id: a, why: w, effect: hold}\n"
	findings := Lint(map[string][]byte{"p.yaml": []byte(text)}, testCatalogue(), lintDirectory())
	if len(findings) != 2 || findings[0].Level != Error || findings[1].Level != Warning {
		t.Errorf("got %v, want that rule and default ask nobody", findings)
	}
}

func TestTheStarterHasNothingToLint(t *testing.T) {
	d := countersign.NewDirectory()
	d.People["per_a"] = countersign.Person{ID: "per_a"}
	d.Groups["platform"] = countersign.Group{Name: "platform", Members: []countersign.Member{{Person: "per_a"}}}
	d.Resources["mcp/files"] = countersign.Resource{Name: "mcp/files", Owners: []string{"platform"}}
	for _, f := range Lint(map[string][]byte{StarterFile: Starter()}, CatalogueOf(d, nil), d) {
		t.Error(f)
	}
}

func TestTheCatalogueIsWhatIsInUse(t *testing.T) {
	d := lintDirectory()
	d.Agents["agt_1"] = countersign.Agent{ID: "agt_1", Region: "us-east-1"}
	d.Resources["mcp/files"] = countersign.Resource{Name: "mcp/files", Tools: map[string]countersign.Tool{"export": {Classes: []string{"pii"}}}}
	c := CatalogueOf(d, []countersign.Sink{{Match: "s3://acme-eu-*", Region: "eu-west-1"}})
	for _, w := range []struct {
		got  []string
		want string
	}{{c.Environments, "prod"}, {c.Regions, "eu-west-1 us-east-1"}, {c.Classes, "internal pii"}, {c.Groups, "dba dba-lead oncall platform"}} {
		if got := strings.Join(w.got, " "); got != w.want {
			t.Errorf("got %s, want %s", got, w.want)
		}
	}
}
