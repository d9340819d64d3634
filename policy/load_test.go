package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
)

// head begins every policy of these tests; rules follow from line 5.
const head = `apiVersion: countersign/v1
kind: PolicySet
defaults: {effect: hold, reviewers: [oncall], expires: 30m}
rules:
`

func testCatalogue() Catalogue {
	return Catalogue{
		Environments: []string{"prod", "staging"}, Regions: []string{"eu-west-1", "us-east-1"},
		Classes: []string{"internal"}, Groups: []string{"dba", "oncall", "platform", "dba-lead"},
	}
}

func load(t testing.TB, rules string) *Policy {
	t.Helper()
	p, err := Load(map[string][]byte{"policy/test.yaml": []byte(head + rules)}, testCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatIsWrongIsSaidWithItsLineAndTheWordThatWasMeant(t *testing.T) {
	rule := func(rest string) string { return head + "- id: x\n  effect: hold\n" + rest }
	for _, c := range []struct{ name, text, want string }{
		{"verb", rule("  match: {verbs: [sql.raed]}"), `policy/test.yaml:7: rule x: unknown verb "sql.raed"; did you mean "sql.read"?`},
		{"environment", rule("  match: {environments: [prdo]}"), `:7: rule x: unknown environment "prdo"; did you mean "prod"?`},
		{"environment, nothing near", rule("  match: {environments: [mars]}"), `:7: rule x: unknown environment "mars"; known are prod, staging`},
		{"class", rule("  match: {data_classes: [pji]}"), `:7: rule x: unknown data class "pji"; did you mean "pii"?`},
		{"region", rule("  match: {regions: [eu-west-2]}"), `:7: rule x: unknown region "eu-west-2"; did you mean "eu-west-1"?`},
		{"requester kind", rule("  match: {requester_kinds: [agnet]}"), `:7: rule x: unknown requester kind "agnet"; did you mean "agent"?`},
		{"group", rule("  require: {reviewers: [dab]}"), `:7: rule x: unknown group "dab"; did you mean "dba"?`},
		{"group to escalate to", rule("  require: {escalate: {after: 5m, to: [dba-laed]}}"), `:7: rule x: unknown group "dba-laed"; did you mean "dba-lead"?`},
		{"assurance", rule("  require: {assurance: paskey}"), `:7: rule x: unknown assurance "paskey"; did you mean "passkey"?`},
		{"effect", head + "- {id: x, effect: hodl}", `:5: rule x: unknown effect "hodl"; did you mean "hold"?`},
		{"key of rule", rule("  wehn: 'true'"), `:7: rule x: unknown key of rule "wehn"; did you mean "when"?`},
		{"key of match", rule("  match: {verb: [sql.read]}"), `:7: rule x: unknown key of match "verb"; did you mean "verbs"?`},
		{"key of require", rule("  require: {expire: 5m}"), `:7: rule x: unknown key of require "expire"; did you mean "expires"?`},
		{"key of bounds", rule("  require: {bounds: {row: 5}}"), `:7: rule x: unknown key of bounds "row"; did you mean "rows"?`},
		{"key of defaults", "apiVersion: countersign/v1\nkind: PolicySet\ndefaults: {expiry: 5m}", `:3: unknown key of defaults "expiry"; did you mean "expires"?`},
		{"key of set", "apiVersion: countersign/v1\nkind: PolicySet\nrule: []", `:3: unknown key of policy set "rule"; did you mean "rules"?`},
		{"indicator", rule("  when: ind('sql.no-wher')"), `:7: rule x: when: unknown indicator 'sql.no-wher'; did you mean 'sql.no-where'? (at character 5)`},
		{"indicator that is no literal", rule("  when: ind(facts.tool)"), `:7: rule x: when: ind takes the id of an indicator in quotes`},
		{"field", rule("  when: facts.exprots"), `:7: rule x: when: undefined field 'exprots'; did you mean exports?`},
		{"variable", rule("  when: fact.exports"), `:7: rule x: when: undeclared reference to 'fact' (did you mean 'facts'?)`},
		{"raw arguments", rule("  when: arguments.path == '/'"), `:7: rule x: when: undeclared reference to 'arguments'`},
		{"second line of a block", rule("  when: |\n    facts.exports &&\n    sink.regon == ''"), `:9: rule x: when: undefined field 'regon'; did you mean region?`},
		{"word in when", rule("  when: resource.environment == 'prdo'"), `:7: rule x: when: unknown environment "prdo"; did you mean "prod"?`},
		{"word in a list in when", rule("  when: sink.region in ['eu-west-1', 'eu-wets-1']"), `:7: rule x: when: unknown region "eu-wets-1"; did you mean "eu-west-1"?`},
		{"word about an object in when", rule("  when: facts.objects.exists(o, o.verb == 'sql.raed')"), `:7: rule x: when: unknown verb "sql.raed"`},
		{"when that is no condition", rule("  when: preview.rows + 1"), `:7: rule x: when: it is a int, want a bool`},
		{"when that costs too much", rule("  when: facts.objects.exists(o, facts.objects.exists(p, p.name == o.name))"), `:7: rule x: when: it may cost`},
		{"when that is no text", rule("  when: true"), `:7: rule x: want a text, got "true"`},
		{"bound that is no number", rule("  require: {bounds: {rows: \"'many'\"}}"), `:7: rule x: bounds: rows: it is a string, want a int`},
		{"no effect", head + "- id: x", `:5: rule x: want an effect: allow, hold or deny`},
		{"no id", head + "- effect: deny", `:5: want an id`},
		{"id that could be mistaken", head + "- {id: \"a\\u202eb\", effect: deny}", `want an id of letters`},
		{"same id twice", head + "- {id: x, effect: deny}\n- {id: x, effect: hold}", `:6: rule x: the id is taken by the rule at policy/test.yaml:5; give this one another`},
		{"same key twice", head + "- {id: x, effect: allow, effect: deny}", `:5: rule x: rule has the key effect twice`},
		{"another default", "apiVersion: countersign/v1\nkind: PolicySet\ndefaults: {effect: allow}", `:3: the default effect is hold and cannot be another`},
		{"require of an allow", head + "- id: x\n  effect: allow\n  require: {reason: true}", `:7: rule x: require belongs to effect hold, and this is allow`},
		{"allow of what is unlabelled", head + "- {id: x, effect: allow, match: {data_classes: [unlabelled]}}", `:5: rule x: no rule can allow what is unlabelled`},
		{"stages and reviewers", rule("  require: {reviewers: [dba], stages: [{reviewers: [dba]}]}"), `:7: rule x: want either stages or reviewers`},
		{"stage without reviewers", rule("  require: {stages: [{quorum: 2}]}"), `:7: rule x: a stage needs reviewers`},
		{"quorum", rule("  require: {quorum: 0}"), `:7: rule x: want a quorum from 1 to 20, got 0`},
		{"duration", rule("  require: {expires: 30}"), `:7: rule x: want a duration such as 30m, got "30"`},
		{"negative duration", rule("  require: {run_within: -5m}"), `:7: rule x: want a duration from 1s`},
		{"boolean in words", rule("  require: {reason: yes}"), `:7: rule x: want true or false, got "yes"`},
		{"empty list", rule("  match: {verbs: []}"), `:7: rule x: the list is empty`},
		{"alias", head + "- {id: x, effect: &e hold}\n- {id: y, effect: *e}", `:6: rule y: want a text, got an alias`},
		{"another kind", "apiVersion: countersign/v2\nkind: PolicySet", `:1: want apiVersion: countersign/v1 and kind: PolicySet`},
		{"no YAML", "\t{", `:1: it is not a YAML document`},
		{"nothing", "", `:1: it is not a YAML document`},
	} {
		_, err := Load(map[string][]byte{"policy/test.yaml": []byte(c.text)}, testCatalogue())
		if _, ok := errors.AsType[*LoadError](err); !ok {
			t.Errorf("%s: got error %v, want a *LoadError", c.name, err)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got\n%v\nwant\n%s", c.name, err, c.want)
		}
	}
}

func TestALabelThatIsGoneDoesNotTakeTheActivePolicyWithIt(t *testing.T) {
	files := func(rule string) map[string][]byte { return map[string][]byte{"p.yaml": []byte(head + rule)} }
	gone := files("- {id: x, effect: deny, match: {environments: [gone], regions: [r], data_classes: [c]}, when: \"resource.environment == 'gone'\"}\n- {id: y, effect: hold, require: {reviewers: [nobody]}}")
	if _, err := Load(gone, testCatalogue()); err == nil {
		t.Error("got no error for words that nothing has")
	}
	p, err := Reload(gone)
	if err != nil {
		t.Fatal(err)
	}
	if p.Digest() != DigestOf(gone) {
		t.Errorf("got digest %s, want %s", p.Digest(), DigestOf(gone))
	}
	for _, rule := range []string{"- {id: x, effect: dney}", "- {id: x, effect: deny, match: {verbs: [sql.raed]}}", "- {id: x, effect: deny, when: ind('sql.nowhere')}"} {
		if _, err := Reload(files(rule)); err == nil {
			t.Errorf("%s: got no error for a word that the product does not have", rule)
		}
	}
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	_, err := Load(map[string][]byte{
		"b.yaml": []byte(head + "- {id: x, effect: deny, match: {verbs: [sql.raed], environments: [prdo]}}\n- {id: z, effect: deny, when: 'a +'}"),
		"a.yaml": []byte(head + "- {id: x, effect: nope}"),
	}, testCatalogue())
	e, ok := errors.AsType[*LoadError](err)
	if !ok {
		t.Fatalf("got %v, want a *LoadError", err)
	}
	var at []string
	for _, f := range e.Findings {
		at = append(at, f.File+" "+f.Rule)
	}
	want := "a.yaml x, b.yaml x, b.yaml x, b.yaml x, b.yaml z"
	if got := strings.Join(at, ", "); got != want {
		t.Errorf("got findings at %s, want %s\n%v", got, want, err)
	}
}

func TestABundleWithoutFilesDoesNotLoad(t *testing.T) {
	if p, err := Load(nil, testCatalogue()); err == nil {
		t.Errorf("got policy %v, want an error", p)
	}
}

func TestTheDigestNamesFilesAndBytes(t *testing.T) {
	digest := func(files ...string) countersign.Digest {
		m := map[string][]byte{}
		for i := 0; i < len(files); i += 2 {
			m[files[i]] = []byte(files[i+1])
		}
		return DigestOf(m)
	}
	base := digest("a", "1", "b", "2")
	if again := digest("b", "2", "a", "1"); again != base {
		t.Errorf("the order of files changes the digest: %s and %s", base, again)
	}
	for _, other := range []countersign.Digest{digest("a", "2", "b", "1"), digest("a", "1b2"), digest("a", "1", "b", "2 "), digest("a", "1", "c", "2")} {
		if other == base {
			t.Errorf("two bundles share the digest %s", base)
		}
	}
	p := load(t, "")
	if want := DigestOf(map[string][]byte{"policy/test.yaml": []byte(head)}); p.Digest() != want {
		t.Errorf("got digest %s, want %s", p.Digest(), want)
	}
}

func TestTheStarterLoadsWhereNothingIsConfiguredYet(t *testing.T) {
	if _, err := Load(map[string][]byte{StarterFile: Starter()}, Catalogue{}); err != nil {
		t.Error(err)
	}
}

func TestTheExampleOfTheDocumentsLoads(t *testing.T) {
	load(t, `- id: read-bounded
  why: Bounded reads that touch no labelled data run without a person.
  match: {resources: ["db/*"], verbs: [sql.read]}
  when: "data.classes.size() == 0 && !ind('sql.unbounded-read') && ind_max() <= LOW"
  effect: allow
- id: prod-write
  why: Every write to production needs a second pair of eyes.
  match: {environments: [prod], verbs: [sql.write, sql.ddl, http.write, mcp.write]}
  effect: hold
  require: {reviewers: [owners], quorum: 1, expires: 30m, run_within: 10m, reason: true, preview: true}
- id: prod-mass-change
  match: {environments: [prod], verbs: [sql.write]}
  when: "ind('sql.no-where') || preview.rows > 1000"
  effect: hold
  require:
    stages: [{reviewers: [dba], quorum: 2, assurance: passkey}]
    escalate: {after: 15m, to: [dba-lead]}
    bounds: {rows: "preview.rows * 11 / 10 + 10"}
- id: pii-leaves-region
  match: {data_classes: [pii]}
  when: "facts.exports && !(sink.region in resource.regions)"
  effect: deny
- id: agent-privilege
  match: {requester_kinds: [agent]}
  when: "ind('sql.privilege') || ind('sql.identity-switch') || ind('k8s.rbac')"
  effect: deny
`)
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(head + "- {id: x, effect: deny, match: {verbs: [sql.read]}, when: \"ind('sql.no-where')\"}"))
	f.Add(Starter())
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte(head + "- id: x\n  effect: hold\n  when: |\n    preview.rows > 1000 || facts.objects.exists(o, o.name.matches('a.*b'))\n  require: {bounds: {rows: 'preview.rows / 0'}, stages: [{reviewers: [dba]}]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Load(map[string][]byte{"f.yaml": text}, testCatalogue())
		if err != nil {
			if e, ok := errors.AsType[*LoadError](err); !ok || len(e.Findings) == 0 {
				t.Fatalf("got %T %v, want a *LoadError with findings", err, err)
			}
			return
		}
		v := p.Decide(t.Context(), knownWrite(), nil)
		if _, err := v.Effect.MarshalText(); err != nil {
			t.Fatal(err)
		}
		Explain(v)
	})
}
