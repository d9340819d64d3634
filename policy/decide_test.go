package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

func testResource() countersign.Resource {
	return countersign.Resource{
		Name: "db/crm", Environment: "prod", Regions: []string{"eu-west-1"},
		DataClasses: []string{"internal"}, Owners: []string{"platform"},
	}
}

func agent() countersign.Principal {
	return countersign.Principal{Kind: countersign.KindAgent, ID: "agt_1", Name: "bot", Owner: "per_1"}
}

// knownWrite is a write that is understood, without any indicator.
func knownWrite() Input {
	return Input{
		Facts: countersign.Facts{
			Tool: "update", Verbs: []string{"sql.write"}, Classes: []string{"internal"},
			Certainty: countersign.Known, Understanding: "test/1",
		},
		Resource: testResource(), Requester: agent(),
		Now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
	}
}

func with(change func(*Input)) Input {
	in := knownWrite()
	change(&in)
	return in
}

func certainty(c countersign.Certainty) Input {
	return with(func(in *Input) { in.Facts.Certainty = c; in.Facts.Exports = true })
}

func found(id string, s countersign.Severity, c countersign.Certainty) func(*Input) {
	return func(in *Input) {
		in.Facts.Indicators = append(in.Facts.Indicators, countersign.Indicator{ID: id, Severity: s, Certainty: c})
	}
}

func decide(t testing.TB, p *Policy, in Input) countersign.Verdict {
	t.Helper()
	return p.Decide(t.Context(), in, nil)
}

// What cannot be told counts as true for hold and deny and as false for allow.
func TestWhatCannotBeToldIsNeverInTheAgentsFavour(t *testing.T) {
	const (
		exports    = "facts.exports"
		reads      = "'sql.read' in facts.verbs"
		errs       = "1 / int(facts.tool.size() - facts.tool.size()) == 1"
		previews   = "preview.rows > 1000"
		possibly   = "ind('sql.no-where')"
		never      = "!ind('sql.no-where')"
		worst      = "ind_max() > LOW"
		harmless   = "ind_max() <= LOW"
		elsewhere  = "!(sink.region in resource.regions)"
		unlabelled = "data.classes.size() == 0"
		named      = "requester.name == 'bot'"
		other      = "requester.name == 'nobody'"
	)
	var (
		known    = with(func(in *Input) { in.Facts.Exports = true })
		possible = certainty(countersign.Possible)
		unknown  = certainty(countersign.Unknown)
		unsaid   = certainty("")
		maybe    = with(found("sql.no-where", countersign.Critical, countersign.Possible))
		surely   = with(found("sql.no-where", countersign.Critical, countersign.Known))
		unsure   = with(func(in *Input) {
			in.Facts.Objects = []countersign.Object{{Name: "t", Verb: "sql.read", Certainty: countersign.Possible}}
		})
	)
	const (
		True, False, Unknown, Error = countersign.RuleTrue, countersign.RuleFalse, countersign.RuleUnknown, countersign.RuleError
		yes, no                     = true, false
	)
	for _, c := range []struct {
		facts                 string
		in                    Input
		when                  string
		value                 countersign.RuleValue
		denies, holds, grants bool // whether a deny, a hold, an allow counts
	}{
		{"known facts", known, exports, True, yes, yes, yes},
		{"known facts", known, reads, False, no, no, no},
		{"known facts", known, elsewhere, Unknown, yes, yes, no}, // no agent region, no sink
		{"known facts", known, errs, Error, yes, yes, no},
		{"known facts", known, previews, Unknown, yes, yes, no},
		{"known facts", known, "facts.exports || " + previews, True, yes, yes, yes},
		{"known facts", known, "!facts.exports && " + previews, False, no, no, no},
		{"known facts", known, possibly, False, no, no, no},
		{"known facts", known, harmless, True, yes, yes, yes},

		{"possible facts", possible, exports, Unknown, yes, yes, no},
		{"possible facts", possible, "!" + exports, Unknown, yes, yes, no},
		{"possible facts", possible, reads, Unknown, yes, yes, no},
		{"possible facts", possible, unlabelled, Unknown, yes, yes, no},
		{"possible facts", possible, elsewhere, Unknown, yes, yes, no},
		{"possible facts", possible, named, True, yes, yes, yes}, // rests on none of them
		{"possible facts", possible, other, False, no, no, no},
		{"possible facts", possible, other + " && " + exports, False, no, no, no},
		{"possible facts", possible, named + " || " + exports, True, yes, yes, yes},

		{"unknown facts", unknown, exports, Unknown, yes, yes, no},
		{"unknown facts", unknown, other, False, no, no, no},
		{"facts without certainty", unsaid, exports, Unknown, yes, yes, no},

		{"a possible indicator", maybe, possibly, Unknown, yes, yes, no},
		{"a possible indicator", maybe, never, Unknown, yes, yes, no},
		{"a possible indicator", maybe, worst, Unknown, yes, yes, no},
		{"a possible indicator", maybe, harmless, Unknown, yes, yes, no},
		{"a possible indicator", maybe, "ind('sql.privilege')", False, no, no, no},
		{"a known indicator", surely, possibly, True, yes, yes, yes},
		{"a known indicator", surely, worst, True, yes, yes, yes},
		{"a known indicator", surely, never, False, no, no, no},

		{"a possible object", unsure, "facts.objects.exists(o, o.name == 't')", Unknown, yes, yes, no},
		{"a possible object", unsure, "facts.exports", False, no, no, no},
	} {
		for _, e := range []struct {
			effect countersign.Effect
			counts bool
		}{{countersign.Deny, c.denies}, {countersign.Hold, c.holds}, {countersign.Allow, c.grants}} {
			p := load(t, fmt.Sprintf("- id: it\n  effect: %s\n  when: %q\n", e.effect, c.when))
			v := decide(t, p, c.in)
			name := fmt.Sprintf("%s, %s when %s", c.facts, e.effect, c.when)
			want := countersign.Hold
			if e.counts {
				want = e.effect
			}
			if v.Effect != want {
				t.Errorf("%s: got effect %s, want %s", name, v.Effect, want)
			}
			if len(v.Rules) != 1 || v.Rules[0].Value != c.value || v.Rules[0].Counts != e.counts {
				t.Errorf("%s: got trace %+v, want value %s, counts %v", name, v.Rules, c.value, e.counts)
			} else if waits := v.Rules[0].Waits; (waits != "") != (c.value == Unknown || c.value == Error) {
				t.Errorf("%s: got waits %q with value %s", name, waits, c.value)
			}
		}
	}
}

// Allows by match alone: what is understood must be certain wherever a rule
// looks at it, and the data labelled.
func TestNoRuleLetsThroughWhatIsNotUnderstoodOrNotLabelled(t *testing.T) {
	for _, c := range []struct {
		name, match string
		in          Input
		want        countersign.Effect
	}{
		{"known", "verbs: [sql.write]", knownWrite(), countersign.Allow},
		{"possible verb", "verbs: [sql.write]", certainty(countersign.Possible), countersign.Hold},
		{"possible class", "data_classes: [internal]", certainty(countersign.Possible), countersign.Hold},
		{"possible, and the rule looks at labels only", "environments: [prod]", certainty(countersign.Possible), countersign.Allow},
		{"unknown, and the rule looks at labels only", "environments: [prod]", certainty(countersign.Unknown), countersign.Hold},
		{"no certainty at all", "environments: [prod]", certainty(""), countersign.Hold},
		{"class unlabelled", "environments: [prod]", with(func(in *Input) { in.Facts.Classes = []string{"internal", "unlabelled"} }), countersign.Hold},
		{"no class anywhere", "environments: [prod]", with(func(in *Input) { in.Facts.Classes, in.Resource.DataClasses = nil, nil }), countersign.Hold},
		{"the resource's class", "data_classes: [internal]", with(func(in *Input) { in.Facts.Classes = nil }), countersign.Allow},
		{"objects known to have no class", "environments: [prod]", with(func(in *Input) {
			in.Facts.Classes = nil
			in.Facts.Objects = []countersign.Object{{Name: "public.plans", Verb: "sql.read", Certainty: countersign.Known}}
		}), countersign.Allow},
		{"a doubt that the caller has", "verbs: [sql.write]", with(func(in *Input) { in.Doubt = "the outcome of req_1" }), countersign.Hold},
		{"a second verb", "verbs: [sql.write]", with(func(in *Input) { in.Facts.Verbs = []string{"sql.write", "sql.ddl"} }), countersign.Hold},
		{"a second class", "data_classes: [internal]", with(func(in *Input) { in.Facts.Classes = []string{"internal", "pii"} }), countersign.Hold},
		{"a second region", "regions: [eu-west-1]", with(func(in *Input) { in.Resource.Regions = []string{"eu-west-1", "us-east-1"} }), countersign.Hold},
		{"no verb", "verbs: [sql.write]", with(func(in *Input) { in.Facts.Verbs = nil }), countersign.Hold},
	} {
		v := decide(t, load(t, "- {id: it, effect: allow, match: {"+c.match+"}}"), c.in)
		if v.Effect != c.want {
			t.Errorf("%s: got %s, want %s; %+v", c.name, v.Effect, c.want, v.Rules)
		}
	}
}

// A match looks at what was found, for certain or only possibly. What was not found
// is on nobody's list: a deny or a hold of it is no candidate, and the action is held
// by the default (docs/decisions/023).
func TestAMatchSpeaksOfWhatWasFoundAndTheDefaultOfWhatWasNot(t *testing.T) {
	const (
		rules = `- {id: ddl, effect: deny, match: {verbs: [sql.ddl]}}
- {id: pii, effect: deny, match: {data_classes: [pii]}}
- {id: write, effect: hold, match: {verbs: [sql.write]}, require: {reviewers: [dba], quorum: 2}}
- {id: bare, effect: hold, match: {data_classes: [unlabelled]}, require: {reviewers: [platform]}}
- {id: read, effect: allow, match: {verbs: [sql.read], data_classes: [internal]}}
`
		never                    = "- {id: never, effect: deny, match: {verbs: [sql.unknown]}}\n"
		known, possible, unknown = countersign.Known, countersign.Possible, countersign.Unknown
	)
	for _, c := range []struct {
		rules          string
		certainty      countersign.Certainty
		verbs, classes string
		want           countersign.Effect
		candidates     string // their ids
		reviewers      string // of the stages of a hold
	}{
		{rules, known, "sql.read", "internal", countersign.Allow, "read", ""},
		{rules, possible, "sql.read", "internal", countersign.Hold, "read", "oncall"},
		{rules, unknown, "sql.read", "internal", countersign.Hold, "read", "oncall"},
		{rules, possible, "sql.read sql.unknown", "internal", countersign.Hold, "", "oncall"},

		{rules, known, "sql.ddl", "internal", countersign.Deny, "ddl", ""},
		{rules, possible, "sql.ddl", "internal", countersign.Deny, "ddl", ""},
		{rules, possible, "sql.ddl sql.unknown", "internal", countersign.Deny, "ddl", ""}, // no way round it by what nobody understands
		{rules, possible, "sql.unknown", "internal", countersign.Hold, "", "oncall"},
		{rules, unknown, "sql.unknown", "internal", countersign.Hold, "", "oncall"},
		{rules, unknown, "", "internal", countersign.Hold, "", "oncall"},
		{rules + never, unknown, "sql.unknown", "internal", countersign.Deny, "never", ""},

		{rules, possible, "sql.read", "internal pii", countersign.Deny, "pii", ""},
		{rules, possible, "sql.read", "unlabelled", countersign.Hold, "bare", "platform"},
		{rules, unknown, "sql.unknown", "", countersign.Hold, "", "oncall"},

		{rules, possible, "sql.write sql.unknown", "internal", countersign.Hold, "write", "dba"},
		{rules, possible, "sql.write", "unlabelled", countersign.Hold, "bare write", "dba, platform"},
		{rules, unknown, "sql.write", "unlabelled", countersign.Hold, "bare write", "dba, platform"},
	} {
		v := decide(t, load(t, c.rules), with(func(in *Input) {
			in.Facts.Certainty, in.Facts.Verbs, in.Facts.Classes = c.certainty, strings.Fields(c.verbs), strings.Fields(c.classes)
		}))
		var candidates, reviewers []string
		for _, r := range v.Rules {
			candidates = append(candidates, r.ID)
		}
		if v.Requirement != nil {
			for _, s := range v.Requirement.Stages {
				reviewers = append(reviewers, strings.Join(s.Reviewers, " or "))
			}
		}
		if v.Effect != c.want || strings.Join(candidates, " ") != c.candidates || strings.Join(reviewers, ", ") != c.reviewers {
			t.Errorf("%s %q of %q: got %s by %q with %q, want %s by %q with %q", c.certainty, c.verbs, c.classes,
				v.Effect, candidates, reviewers, c.want, c.candidates, c.reviewers)
		}
	}
}

func TestAHoldOrDenyNeedsOneOfTheWordsOfItsMatch(t *testing.T) {
	for _, c := range []struct {
		match string
		want  countersign.Effect
	}{
		{"verbs: [sql.ddl, sql.write]", countersign.Deny},
		{"verbs: [sql.ddl]", countersign.Hold},
		{"environments: [prod, staging]", countersign.Deny},
		{"environments: [staging]", countersign.Hold},
		{"data_classes: [internal, pii]", countersign.Deny},
		{"data_classes: [pii]", countersign.Hold},
		{"requester_kinds: [agent]", countersign.Deny},
		{"requester_kinds: [person]", countersign.Hold},
		{"regions: [eu-west-1]", countersign.Deny},
		{"regions: [us-east-1]", countersign.Hold},
		{"resources: [db/crm]", countersign.Deny},
		{"resources: ['db/*']", countersign.Deny},
		{"resources: ['*/crm']", countersign.Deny},
		{"resources: ['d*c*m']", countersign.Deny},
		{"resources: ['*']", countersign.Deny},
		{"resources: ['db/c', 'db/crm2', 'mcp/*', 'd*x*m', '*crm*m']", countersign.Hold},
		{"verbs: [sql.write], environments: [staging]", countersign.Hold},
	} {
		v := decide(t, load(t, "- {id: it, effect: deny, match: {"+c.match+"}}"), knownWrite())
		if v.Effect != c.want {
			t.Errorf("%s: got %s, want %s", c.match, v.Effect, c.want)
		}
		if candidate := len(v.Rules) > 0; candidate != (c.want == countersign.Deny) {
			t.Errorf("%s: got trace %+v", c.match, v.Rules)
		}
	}
}

func TestDenyBeatsHoldBeatsAllow(t *testing.T) {
	const a, h, d = "- {id: c, effect: allow}\n", "- {id: b, effect: hold}\n", "- {id: a, effect: deny}\n"
	for _, c := range []struct {
		rules string
		want  countersign.Effect
	}{
		{"", countersign.Hold}, {a, countersign.Allow}, {h, countersign.Hold}, {d, countersign.Deny},
		{a + h, countersign.Hold}, {a + d, countersign.Deny}, {h + d, countersign.Deny}, {a + h + d, countersign.Deny},
	} {
		v := decide(t, load(t, c.rules), knownWrite())
		if v.Effect != c.want {
			t.Errorf("%q: got %s, want %s", c.rules, v.Effect, c.want)
		}
		if (v.Requirement != nil) != (c.want == countersign.Hold) {
			t.Errorf("%q: got requirement %+v with effect %s", c.rules, v.Requirement, v.Effect)
		}
		for _, r := range v.Rules {
			if r.Counts != (r.Effect == v.Effect) {
				t.Errorf("%q: got %+v with effect %s", c.rules, r, v.Effect)
			}
		}
	}
}

func TestAVerdictSaysWhatItRestsOn(t *testing.T) {
	p := load(t, "- {id: b, effect: hold, why: because}\n- {id: a, effect: allow, when: 'facts.exports'}\n")
	v := decide(t, p, knownWrite())
	catalogue, err := DigestOfResource(testResource())
	if err != nil {
		t.Fatal(err)
	}
	if v.Policy != p.Digest() || v.Catalogue != catalogue || v.Understanding != "test/1" {
		t.Errorf("got policy %s, catalogue %s, understanding %q", v.Policy, v.Catalogue, v.Understanding)
	}
	want := []countersign.RuleTrace{
		{ID: "a", Value: countersign.RuleFalse, Effect: countersign.Allow, Source: "policy/test.yaml:6"},
		{ID: "b", Value: countersign.RuleTrue, Effect: countersign.Hold, Counts: true, Why: "because", Source: "policy/test.yaml:5"},
	}
	if fmt.Sprint(v.Rules) != fmt.Sprint(want) {
		t.Errorf("got\n%+v\nwant\n%+v", v.Rules, want)
	}
	relabelled := testResource()
	relabelled.Environment = "staging"
	if other, _ := DigestOfResource(relabelled); other == catalogue {
		t.Error("two labellings share a digest")
	}
}

func TestWithoutAPolicyEverythingIsHeldAndNobodyCanApprove(t *testing.T) {
	var p *Policy
	v := decide(t, p, knownWrite())
	if v.Effect != countersign.Hold || !v.Policy.IsZero() {
		t.Fatalf("got %+v, want a hold by no policy", v)
	}
	r := v.Requirement
	if len(r.Blocked) == 0 || !strings.Contains(r.Blocked[0], "names no reviewers") && !strings.Contains(r.Blocked[0], "no policy is loaded") {
		t.Errorf("got blocked %q, want it to say that no policy is loaded", r.Blocked)
	}
	if len(r.Stages) != 1 || len(r.Stages[0].Reviewers) != 0 || r.Stages[0].Quorum < 1 {
		t.Errorf("got stages %+v, want one that nobody can meet", r.Stages)
	}
}

func TestAPreviewRunsOnceAndOnlyWhenSomethingDependsOnIt(t *testing.T) {
	const mass = "- {id: mass, effect: hold, when: 'preview.rows > 1000'}\n"
	const bounded = "- {id: bounded, effect: hold, require: {bounds: {rows: 'preview.rows + 10'}}}\n"
	for _, c := range []struct {
		name, rules string
		runs        int
	}{
		{"no rule looks at it", "- {id: a, effect: hold}\n", 0},
		{"the rest decides", "- {id: a, effect: hold, when: 'facts.exports && preview.rows > 1000'}\n", 0},
		{"one rule waits for it", mass, 1},
		{"several do", mass + bounded + "- {id: b, effect: allow, when: 'preview.rows < 5'}\n", 1},
		{"a requirement wants it", "- {id: a, effect: hold, require: {preview: true}}\n", 1},
		{"a requirement that does not count wants it", "- {id: a, effect: hold, when: 'facts.exports', require: {preview: true}}\n", 0},
		{"a bound wants it", bounded, 1},
		{"it is denied anyway", mass + "- {id: d, effect: deny}\n", 0},
		{"a deny waits for it", "- {id: d, effect: deny, when: 'preview.rows > 1000'}\n", 1},
	} {
		runs := 0
		load(t, c.rules).Decide(t.Context(), knownWrite(), func(context.Context) (countersign.Preview, error) {
			runs++
			return countersign.Preview{Rows: 5}, nil
		})
		if runs != c.runs {
			t.Errorf("%s: the preview ran %d times, want %d", c.name, runs, c.runs)
		}
	}
}

func TestAPreviewDecidesWhatWaitsForIt(t *testing.T) {
	p := load(t, "- {id: few, effect: allow, when: 'preview.rows <= 10'}\n- {id: mass, effect: deny, when: 'preview.rows > 1000'}\n")
	for _, c := range []struct {
		rows int64
		err  error
		want countersign.Effect
	}{
		{5, nil, countersign.Allow},
		{500, nil, countersign.Hold},
		{5000, nil, countersign.Deny},
		{0, errors.New("timed out"), countersign.Deny},
	} {
		v := p.Decide(t.Context(), knownWrite(), func(context.Context) (countersign.Preview, error) {
			return countersign.Preview{Rows: c.rows}, c.err
		})
		if v.Effect != c.want {
			t.Errorf("%d rows, error %v: got %s, want %s", c.rows, c.err, v.Effect, c.want)
		}
		if c.err != nil && !strings.Contains(v.Rules[1].Waits, "preview.rows > 1000; no preview: it failed: timed out") {
			t.Errorf("got waits %q, want what is left of the rule and why there is no preview", v.Rules[1].Waits)
		}
	}
}
