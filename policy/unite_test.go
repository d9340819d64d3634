package policy

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

// show writes a requirement in one line for comparison.
func show(r *countersign.Requirement, now time.Time) string {
	if r == nil {
		return "none"
	}
	var parts []string
	for _, s := range r.Stages {
		parts = append(parts, fmt.Sprintf("%d of %s %s", s.Quorum, strings.Join(s.Reviewers, "|"), s.Assurance))
	}
	parts = append(parts, fmt.Sprintf("expires %s", r.ExpiresAt.Sub(now)), fmt.Sprintf("run within %ds", r.RunWithinSeconds))
	if r.Reason {
		parts = append(parts, "reason")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Bounds)) {
		parts = append(parts, name+"<="+r.Bounds[name])
	}
	for _, b := range r.Blocked {
		parts = append(parts, "blocked: "+b)
	}
	return strings.Join(parts, ", ")
}

func TestAllHoldsThatCountAreUnited(t *testing.T) {
	hold := func(id, require string) string {
		return "- {id: " + id + ", effect: hold, require: {" + require + "}}\n"
	}
	for _, c := range []struct{ name, rules, want string }{
		{"the default", "", "1 of oncall chat, expires 30m0s, run within 600s"},
		{"a hold that says nothing", "- {id: a, effect: hold}\n", "1 of oncall chat, expires 30m0s, run within 600s"},
		{"owners are the resource's", hold("a", "reviewers: [owners]"), "1 of platform chat, expires 30m0s, run within 600s"},
		{"any of several groups", hold("a", "reviewers: [owners, dba, dba]"), "1 of dba|platform chat, expires 30m0s, run within 600s"},
		{"a rule may wait longer than the default", hold("a", "expires: 4h"), "1 of oncall chat, expires 4h0m0s, run within 600s"},
		{"different reviewers are different stages", hold("a", "reviewers: [dba]") + hold("b", "reviewers: [owners], quorum: 2"),
			"1 of dba chat, 2 of platform chat, expires 30m0s, run within 600s"},
		{"the same reviewers are one stage with the highest quorum", hold("a", "reviewers: [dba, platform]") + hold("b", "reviewers: [platform, dba], quorum: 2") + hold("c", "reviewers: [owners, dba]"),
			"2 of dba|platform chat, expires 30m0s, run within 600s"},
		{"the highest assurance goes for all", hold("a", "reviewers: [dba]") + hold("b", "reviewers: [owners], assurance: session"),
			"1 of dba session, 1 of platform session, expires 30m0s, run within 600s"},
		{"the shortest times", hold("a", "expires: 5m, run_within: 20m") + hold("b", "expires: 10m, run_within: 30m"),
			"1 of oncall chat, expires 5m0s, run within 1200s"},
		{"a reason if any wants one", hold("a", "reason: false") + hold("b", "reason: true"),
			"1 of oncall chat, expires 30m0s, run within 600s, reason"},
		{"the tightest bounds", hold("a", "bounds: {rows: 100, seconds: 60}") + hold("b", "bounds: {rows: '2 * 30'}"),
			"1 of oncall chat, expires 30m0s, run within 600s, rows<=60, seconds<=60"},
		{"stages", hold("a", "stages: [{reviewers: [dba], quorum: 2, assurance: passkey}, {reviewers: [oncall]}]"),
			"2 of dba passkey, 1 of oncall passkey, expires 30m0s, run within 600s"},
		{"a hold that is false adds nothing", hold("a", "reviewers: [dba]") + "- {id: b, effect: hold, when: 'facts.exports', require: {reviewers: [oncall], reason: true}}\n",
			"1 of dba chat, expires 30m0s, run within 600s"},
		{"a hold that is an error adds its requirement", hold("a", "reviewers: [dba]") + "- {id: b, effect: hold, when: 'facts.verbs[7] == \"\"', require: {reason: true, reviewers: [dba]}}\n",
			"1 of dba chat, expires 30m0s, run within 600s, reason"},
	} {
		in := with(func(in *Input) { in.Enforces = []string{"rows", "seconds"} })
		v := decide(t, load(t, c.rules), in)
		if got := show(v.Requirement, in.Now); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestTheWorstIndicatorSetsTheFloorOfAssurance(t *testing.T) {
	for severity, want := range map[countersign.Severity]countersign.Assurance{
		countersign.Info: countersign.Chat, countersign.Low: countersign.Chat, countersign.Medium: countersign.Session,
		countersign.High: countersign.Passkey, countersign.Critical: countersign.Passkey,
	} {
		for _, c := range []countersign.Certainty{countersign.Known, countersign.Possible} {
			in := with(found("text.hidden", severity, c))
			for name, rules := range map[string]string{"default": "", "rule": "- {id: a, effect: hold, require: {reviewers: [dba], assurance: chat}}"} {
				v := decide(t, load(t, rules), in)
				if got := v.Requirement.Stages[0].Assurance; got != want {
					t.Errorf("%s, %s %s: got %s, want %s", name, c, severity, got, want)
				}
			}
		}
	}
}

func TestWhatThisBuildCannotKeepRefusesApproval(t *testing.T) {
	preview := func(context.Context) (countersign.Preview, error) { return countersign.Preview{Rows: 100}, nil }
	for _, c := range []struct {
		name, require string
		preview       func(context.Context) (countersign.Preview, error)
		enforces      []string
		want          string // empty: it can be approved
	}{
		{"nothing special", "reason: true", nil, nil, ""},
		{"a preview, and none configured", "preview: true", nil, nil, "it needs a preview: none is configured for db/crm"},
		{"a preview, and there is one", "preview: true", preview, nil, ""},
		{"an escalation timer", "escalate: {after: 15m, to: [dba-lead]}", nil, nil, ""},
		{"a bound that nothing keeps", "bounds: {rows: 10}", nil, nil, "it: nothing that runs commands on db/crm keeps a bound on rows"},
		{"a bound that is kept", "bounds: {rows: 10}", nil, []string{"rows"}, ""},
		{"a bound that waits for a preview", "bounds: {rows: preview.rows}", nil, []string{"rows"}, "it: the bound on rows cannot be computed: it waits for preview.rows"},
		{"a bound that has its preview", "bounds: {rows: preview.rows * 11 / 10 + 10}", preview, []string{"rows"}, ""},
		{"a bound that overflows", "bounds: {rows: preview.rows * 9223372036854775807}", preview, []string{"rows"}, "it: the bound on rows cannot be computed: integer overflow"},
		{"a bound below zero", "bounds: {rows: 0 - preview.rows}", preview, []string{"rows"}, "it: the bound on rows came to -100"},
	} {
		p := load(t, "- {id: it, effect: hold, require: {"+c.require+"}}")
		v := p.Decide(t.Context(), with(func(in *Input) { in.Enforces = c.enforces }), c.preview)
		if got := strings.Join(v.Requirement.Blocked, "; "); got != c.want {
			t.Errorf("%s: got blocked %q, want %q", c.name, got, c.want)
		}
	}
	noOwners := with(func(in *Input) { in.Resource.Owners = nil })
	v := decide(t, load(t, "- {id: it, effect: hold, require: {reviewers: [owners]}}"), noOwners)
	if got := strings.Join(v.Requirement.Blocked, "; "); got != "it asks the owners of db/crm, and it has none" {
		t.Errorf("got blocked %q, want that there are no owners", got)
	}
	if len(v.Requirement.Stages) != 1 || len(v.Requirement.Stages[0].Reviewers) != 0 {
		t.Errorf("got stages %+v, want one that nobody can meet", v.Requirement.Stages)
	}
}

func TestTheDefaultsOfAllSetsAreUnited(t *testing.T) {
	set := func(defaults string) []byte {
		return []byte("apiVersion: countersign/v1\nkind: PolicySet\n" + defaults)
	}
	p, err := Load(map[string][]byte{
		"a": set("defaults: {reviewers: [dba], expires: 5m}"), "b": set("defaults: {reviewers: [oncall]}"), "c": set(""),
	}, testCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	in := knownWrite()
	want := "1 of dba chat, 1 of oncall chat, expires 5m0s, run within 600s"
	if got := show(decide(t, p, in).Requirement, in.Now); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Whatever the order of rules, the verdict is the same but for the lines they
// stand on and the digest of the file.
func TestTheOrderOfRulesMeansNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	for range 60 {
		var rules []string
		for i := range 2 + r.IntN(8) {
			effect := pick("allow", "hold", "hold", "deny")
			rule := fmt.Sprintf("- {id: r%d, effect: %s, match: {%s}, when: %q", i, effect,
				pick("", "verbs: [sql.write]", "environments: [prod]", "resources: ['db/*']", "data_classes: [pii]"),
				pick("facts.exports", "ind_max() > LOW", "preview.rows > 10", "1 / (facts.tool.size() - 6) > 0", "requester.name == 'bot'"))
			if effect == "hold" {
				rule += fmt.Sprintf(", require: {reviewers: [%s], quorum: %d, assurance: %s, expires: %dm, bounds: {rows: %s}}",
					pick("dba", "owners", "dba, oncall"), 1+r.IntN(3), pick("chat", "session"), 1+r.IntN(60), pick("5", "preview.rows", "100"))
			}
			rules = append(rules, rule+"}\n")
		}
		in := with(func(in *Input) { in.Facts.Exports = r.IntN(2) == 0 })
		if r.IntN(2) == 0 {
			found("text.padding", countersign.Medium, countersign.Known)(&in)
		}
		var first string
		for range 4 {
			r.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
			v := decide(t, load(t, strings.Join(rules, "")), in)
			v.Policy = countersign.Digest{}
			for i := range v.Rules {
				v.Rules[i].Source = ""
			}
			got := fmt.Sprintf("%+v %s", v.Rules, v.Effect) + show(v.Requirement, in.Now)
			if first == "" {
				first = got
			} else if got != first {
				t.Fatalf("seed %d: two orders, two verdicts:\n%s\n%s\n%s", seed, first, got, strings.Join(rules, ""))
			}
		}
	}
}

func TestStricterIsWhateverPeopleDidNotApprove(t *testing.T) {
	requirement := func(change func(*countersign.Requirement)) countersign.Verdict {
		r := &countersign.Requirement{
			Stages:           []countersign.Stage{{Reviewers: []string{"dba"}, Quorum: 2, Assurance: countersign.Session}},
			RunWithinSeconds: 600, Bounds: map[string]string{"rows": "100"}, Blocked: []string{"known"},
			ExpiresAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		change(r)
		return countersign.Verdict{Effect: countersign.Hold, Requirement: r}
	}
	same := func(*countersign.Requirement) {}
	held := requirement(same)
	allowed, denied := countersign.Verdict{Effect: countersign.Allow}, countersign.Verdict{Effect: countersign.Deny}
	for _, c := range []struct {
		name     string
		was, now countersign.Verdict
		want     bool
	}{
		{"the same", held, requirement(same), false},
		{"a later expiry", held, requirement(func(r *countersign.Requirement) { r.ExpiresAt = r.ExpiresAt.Add(time.Hour) }), false},
		{"denied", held, denied, true},
		{"allowed", held, allowed, false},
		{"held what was allowed", allowed, held, true},
		{"denied what was allowed", allowed, denied, true},
		{"held what was denied", denied, held, false},
		{"allowed as before", allowed, allowed, false},
		{"no effect", held, countersign.Verdict{}, true},
		{"no effect before", countersign.Verdict{}, allowed, true},
		{"a higher quorum", held, requirement(func(r *countersign.Requirement) { r.Stages[0].Quorum = 3 }), true},
		{"a lower quorum", held, requirement(func(r *countersign.Requirement) { r.Stages[0].Quorum = 1 }), false},
		{"a higher assurance", held, requirement(func(r *countersign.Requirement) { r.Stages[0].Assurance = countersign.Passkey }), true},
		{"a lower assurance", held, requirement(func(r *countersign.Requirement) { r.Stages[0].Assurance = countersign.Chat }), false},
		{"other reviewers", held, requirement(func(r *countersign.Requirement) { r.Stages[0].Reviewers = []string{"sre"} }), true},
		{"another stage", held, requirement(func(r *countersign.Requirement) {
			r.Stages = append(r.Stages, countersign.Stage{Reviewers: []string{"sre"}, Quorum: 1, Assurance: countersign.Chat})
		}), true},
		{"a stage less", requirement(func(r *countersign.Requirement) {
			r.Stages = append(r.Stages, countersign.Stage{Reviewers: []string{"sre"}, Quorum: 1, Assurance: countersign.Chat})
		}), held, false},
		{"a reason", held, requirement(func(r *countersign.Requirement) { r.Reason = true }), true},
		{"less time to run", held, requirement(func(r *countersign.Requirement) { r.RunWithinSeconds = 60 }), true},
		{"a tighter bound", held, requirement(func(r *countersign.Requirement) { r.Bounds = map[string]string{"rows": "99"} }), true},
		{"a looser bound", held, requirement(func(r *countersign.Requirement) { r.Bounds = map[string]string{"rows": "101"} }), false},
		{"a new bound", held, requirement(func(r *countersign.Requirement) { r.Bounds = map[string]string{"rows": "100", "bytes": "9"} }), true},
		{"a bound less", held, requirement(func(r *countersign.Requirement) { r.Bounds = nil }), false},
		{"a bound that is no number", held, requirement(func(r *countersign.Requirement) { r.Bounds = map[string]string{"rows": "many"} }), true},
		{"newly blocked", held, requirement(func(r *countersign.Requirement) { r.Blocked = []string{"known", "new"} }), true},
		{"no longer blocked", held, requirement(func(r *countersign.Requirement) { r.Blocked = nil }), false},
		{"no requirement", held, countersign.Verdict{Effect: countersign.Hold}, true},
	} {
		if got := Stricter(c.was, c.now); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
