package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand"
)

// changing is a change of the control plane that the operator asks for.
func changing(verb string) Input {
	return Input{
		Facts: countersign.Facts{Verbs: []string{verb}, Certainty: countersign.Known, Objects: []countersign.Object{{Name: "policy", Verb: verb, Certainty: countersign.Known}},
			Indicators: []countersign.Indicator{understand.Found("control.change", "", "", "record", countersign.Known)}},
		Resource: countersign.BuiltIn(), Requester: countersign.Operator(), Now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
	}
}

func bundle(t *testing.T, rules string) *Policy {
	t.Helper()
	p, err := Load(map[string][]byte{"p.yaml": []byte("apiVersion: countersign/v1\nkind: PolicySet\ndefaults: {effect: hold, reviewers: [dba], expires: 30m}\nrules:\n" + rules)},
		Catalogue{Groups: []string{"dba", "security"}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryBundleHoldsAChangeForTwoPeopleWithPasskeysAtLeast(t *testing.T) {
	for name, test := range map[string]struct{ rules, want string }{
		"no rule speaks": {"", "2 of everyone passkey, expires 24h0m0s, run within 600s"},
		"allow":          {"- {id: a, match: {verbs: [control.policy]}, effect: allow}\n", "2 of everyone passkey, expires 24h0m0s, run within 600s"},
		"allow all":      {"- {id: a, effect: allow}\n", "2 of everyone passkey, expires 24h0m0s, run within 600s"},
		"one of a group by chat": {"- {id: a, match: {verbs: [control.policy]}, effect: hold, require: {reviewers: [dba], quorum: 1, assurance: chat, expires: 1h}}\n",
			"1 of dba passkey, 1 of everyone passkey, expires 1h0m0s, run within 600s"},
		"one of the owners":   {"- {id: a, effect: hold, require: {reviewers: [owners]}}\n", "2 of everyone passkey, expires 30m0s, run within 600s"},
		"three of the owners": {"- {id: a, effect: hold, require: {reviewers: [owners], quorum: 3}}\n", "3 of everyone passkey, expires 30m0s, run within 600s"},
		"two groups": {"- {id: a, effect: hold, require: {stages: [{reviewers: [dba], quorum: 1}, {reviewers: [security], quorum: 1}]}}\n",
			"1 of dba passkey, 1 of security passkey, expires 30m0s, run within 600s"},
		"another verb": {"- {id: a, match: {verbs: [control.person]}, effect: deny}\n", "2 of everyone passkey, expires 24h0m0s, run within 600s"},
	} {
		t.Run(name, func(t *testing.T) {
			in := changing("control.policy")
			v := decide(t, bundle(t, test.rules), in)
			if v.Effect != countersign.Hold {
				t.Fatalf("got %s, want hold", v.Effect)
			}
			if got := show(v.Requirement, in.Now); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if last := v.Rules[len(v.Rules)-1]; last.ID != countersign.TwoPeople || !last.Counts {
				t.Errorf("got %+v as the last rule, want the built-in one", last)
			}
		})
	}
}

func TestWithoutAPolicyTwoPeopleCanStillLoadOne(t *testing.T) {
	var none *Policy
	in := changing("control.policy")
	v := decide(t, none, in)
	if got, want := show(v.Requirement, in.Now), "2 of everyone passkey, expires 24h0m0s, run within 600s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheBuiltInRuleSpeaksOfNothingElse(t *testing.T) {
	v := decide(t, bundle(t, ""), knownWrite())
	for _, r := range v.Rules {
		if r.ID == countersign.TwoPeople {
			t.Errorf("got %+v on a write", r)
		}
	}
}

func TestNoBundleHasARuleOfABuiltInName(t *testing.T) {
	_, err := Load(map[string][]byte{"p.yaml": []byte("apiVersion: countersign/v1\nkind: PolicySet\nrules:\n- {id: countersign.two-people, effect: allow}\n")}, Catalogue{})
	if err == nil || !strings.Contains(err.Error(), "built-in") {
		t.Errorf("got %v, want it refused", err)
	}
}

func TestABundleThatLocksSaysWhy(t *testing.T) {
	for rules, want := range map[string]string{
		"- {id: a, effect: deny}\n":                                                                        "it denies every change of itself, by a",
		"- {id: a, match: {requester_kinds: [agent]}, effect: deny}\n":                                     "",
		"- {id: a, effect: hold, require: {reviewers: [dba], preview: true}}\n":                            "nobody could approve a change of it: a needs a preview",
		"- {id: a, match: {verbs: [mcp.write]}, effect: hold, require: {reviewers: [dba], preview: true}}": "",
	} {
		got := bundle(t, rules).Locks(time.Now())
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", rules, got, want)
		}
	}
}
