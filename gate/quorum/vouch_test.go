package quorum

import (
	"slices"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// house has people without groups, and an agent of alice's.
func house(keys ...countersign.Credential) *countersign.Directory {
	d := countersign.NewDirectory()
	for _, id := range []string{"alice", "bob", "carol", "mallory", "trent"} {
		d.People[id] = countersign.Person{ID: id, Name: id}
	}
	d.Agents["bot"] = countersign.Agent{ID: "bot", Owner: "alice"}
	for _, k := range keys {
		d.Credentials[k.ID] = k
	}
	return d
}

func key(id, person string, vouchedBy ...string) countersign.Credential {
	return countersign.Credential{ID: id, Person: person, VouchedBy: vouchedBy, Since: noon}
}

func TestWhoeverOnlyTheAskersPeopleStandForIsBarred(t *testing.T) {
	later := func(c countersign.Credential) countersign.Credential { c.Since = noon.Add(time.Hour); return c }
	removed := func(c countersign.Credential) countersign.Credential { c.Removed = true; return c }
	pending := func(c countersign.Credential) countersign.Credential { c.Pending = true; return c }
	invited := func(by string, keys ...countersign.Credential) *countersign.Directory {
		d := house(keys...)
		m := d.People["mallory"]
		m.InvitedBy = by
		d.People["mallory"] = m
		return d
	}
	for name, c := range map[string]struct {
		d    *countersign.Directory
		want bool // mallory is barred
	}{
		"nobody invited her, she has no passkey":      {house(), false},
		"the owner invited her":                       {invited("alice"), true},
		"the operator invited her":                    {invited("operator"), false},
		"the owner alone stands for her passkey":      {house(key("m", "mallory", "alice")), true},
		"the operator stands for it":                  {house(key("m", "mallory", "operator")), false},
		"the owner and bob do":                        {house(key("m", "mallory", "alice", "bob")), false},
		"invited by the owner, and bob stands for it": {invited("alice", key("m", "mallory", "bob")), false},
		"one of her passkeys is bob's word":           {house(key("m", "mallory", "alice"), key("n", "mallory", "bob")), false},
		"that one is removed":                         {house(key("m", "mallory", "alice"), removed(key("n", "mallory", "bob"))), true},
		"that one is pending":                         {house(key("m", "mallory", "alice"), pending(key("n", "mallory", "bob"))), true},
		"she signed for it with one of the owner's":   {house(removed(key("m", "mallory", "alice")), later(key("n", "mallory", "mallory"))), true},
		"she signed for it with one of bob's":         {house(removed(key("m", "mallory", "bob")), later(key("n", "mallory", "mallory"))), false},
		"she stands for it and nobody before her did": {house(key("m", "mallory", "mallory")), true},
		"somebody whom only the owner stands for":     {house(key("t", "trent", "alice"), key("m", "mallory", "trent")), true},
		"somebody for whom bob stands too":            {house(key("t", "trent", "alice", "bob"), key("m", "mallory", "trent")), false},
	} {
		got := Barred(c.d, countersign.Principal{Kind: countersign.KindAgent, ID: "bot"}, nil)
		if slices.Contains(got, "mallory") != c.want || !slices.Contains(got, "alice") || slices.Contains(got, "bob") {
			t.Errorf("%s: barred are %v, want mallory among them %t, alice and not bob", name, got, c.want)
		}
	}
}

func TestAPasskeySignsForItsPersonAlone(t *testing.T) {
	r := countersign.Request{ID: "req_1", CreatedAt: noon.Add(time.Minute), Requester: countersign.Principal{Kind: countersign.KindAgent, ID: "bot"}}
	ok := key("k", "bob", "operator")
	for name, c := range map[string]struct {
		change func(c *countersign.Credential)
		want   bool
	}{
		"as it is":                    {func(*countersign.Credential) {}, true},
		"removed":                     {func(c *countersign.Credential) { c.Removed = true }, false},
		"pending":                     {func(c *countersign.Credential) { c.Pending = true }, false},
		"of another person":           {func(c *countersign.Credential) { c.Person = "carol" }, false},
		"at the moment of the ask":    {func(c *countersign.Credential) { c.Since = r.CreatedAt }, false},
		"on the owner's word":         {func(c *countersign.Credential) { c.VouchedBy = []string{"alice"} }, false},
		"on nobody's word":            {func(c *countersign.Credential) { c.VouchedBy = nil }, false},
		"on the owner's and carol's":  {func(c *countersign.Credential) { c.VouchedBy = []string{"alice", "carol"} }, true},
		"of somebody nobody knows of": {func(c *countersign.Credential) { c.Person = "zoe" }, false},
	} {
		k := ok
		c.change(&k)
		if err := MaySign(house(k), r, "bob", "k"); (err == nil) != c.want {
			t.Errorf("%s: got %v, want it to sign %t", name, err, c.want)
		}
	}
	if MaySign(house(), r, "bob", "k") == nil {
		t.Error("a passkey that is not there signs")
	}
}

func TestAnApprovalCountsWhileItsPasskeyDoes(t *testing.T) {
	d := house(key("k", "bob", "operator"))
	d.Groups["dba"] = countersign.Group{Name: "dba", Members: []countersign.Member{{Person: "bob"}}}
	r := countersign.Request{ID: "req_1", CreatedAt: noon.Add(time.Minute), Requester: countersign.Principal{Kind: countersign.KindAgent, ID: "bot"},
		Verdict: countersign.Verdict{Requirement: &countersign.Requirement{Stages: []countersign.Stage{{Reviewers: []string{"dba"}, Quorum: 1, Assurance: countersign.Passkey}}}}}
	vote := countersign.Decision{By: countersign.Principal{ID: "bob", Name: "Bob"}, Choice: countersign.Approve, Assurance: countersign.Passkey}
	count := func() (int, string) {
		voters, void := Count(d, r)
		return len(voters), void["bob"]
	}
	r.Decisions = []countersign.Decision{vote}
	if n, why := count(); n != 0 || why == "" {
		t.Errorf("an approval that says passkey and carries no signature counts %d, void because %q", n, why)
	}
	vote.Assertion = &countersign.Assertion{Credential: "k"}
	r.Decisions = []countersign.Decision{vote}
	if n, why := count(); n != 1 || why != "" {
		t.Errorf("a signed approval counts %d, void because %q; want 1", n, why)
	}
	gone := d.Credentials["k"]
	gone.Removed = true
	d.Credentials["k"] = gone
	if n, why := count(); n != 0 || why == "" {
		t.Errorf("with its passkey removed it counts %d, void because %q; want 0 and why", n, why)
	}
}
