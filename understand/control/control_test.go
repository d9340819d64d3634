package control_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand/control"
)

func directory() *countersign.Directory {
	d := countersign.NewDirectory()
	d.Policy = &countersign.PolicyChanged{Files: map[string]string{"a.yaml": "one\ntwo\nthree\n", "gone.yaml": "old\n"}}
	d.People["per_bob"] = countersign.Person{ID: "per_bob", Name: "Bob", Issuer: "local", Subject: "bob"}
	d.People["per_eve"] = countersign.Person{ID: "per_eve", Name: "Eve", Issuer: "local", Subject: "eve"}
	d.Groups["dba"] = countersign.Group{Name: "dba", Members: []countersign.Member{{Person: "per_bob"}}}
	d.Resources["mcp/files"] = countersign.Resource{Name: "mcp/files", Pins: map[string]countersign.Digest{"wipe": {1}}, Changed: map[string]countersign.Digest{"wipe": {2}}}
	d.Agents["agt_x"] = countersign.Agent{ID: "agt_x", Name: "x", Owner: "dba", CreatedBy: countersign.Operator(), Tokens: []countersign.Token{{
		ID: "tok_1", Hash: countersign.Digest{1}, IssuedBy: d.People["per_bob"].Principal(),
		IssuedAt: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Expires: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
	}}}
	return d
}

func TestEveryChangedLineIsSaid(t *testing.T) {
	d := directory()
	repinned := d.Resources["mcp/files"]
	repinned.Pins, repinned.Changed = map[string]countersign.Digest{"wipe": {2}}, nil
	mirrored := d.Resources["mcp/files"]
	mirrored.Claims = map[string]countersign.ToolClaim{"wipe": {Mirror: map[string][]string{"region": {"where", "region"}}}}
	since := time.Date(2026, 11, 1, 0, 0, 0, 1, time.UTC)
	agent := d.Agents["agt_x"]
	agent.Owner, agent.Inactive = "per_eve", true
	known := d.Agents["agt_x"]
	known.Identities = []countersign.Identity{{Issuer: "https://idp", Keys: "https://idp/keys", Claims: map[string][]string{"sub": {"a"}, "ref": {"b", "c"}}}}
	swapped := d.Agents["agt_x"]
	swapped.CreatedBy = countersign.Principal{Kind: countersign.KindOperator, ID: "per_eve", Name: "Bob"}
	swapped.Tokens = []countersign.Token{swapped.Tokens[0]}
	swapped.Tokens[0].Hash, swapped.Tokens[0].IssuedBy = countersign.Digest{2}, d.People["per_eve"].Principal()
	token := "asks with: tok_1, hash " + countersign.Digest{1}.String() + ", issued 2026-11-01T00:00:00Z by Bob (per_bob, person, known as local|bob), until 2026-12-01T00:00:00Z"
	revoked := d.Agents["agt_x"]
	revoked.Tokens = []countersign.Token{revoked.Tokens[0]}
	revoked.Tokens[0].Revoked = true
	for name, test := range map[string]struct {
		entity countersign.RequestID
		body   countersign.Body
		verb   string
		want   string
	}{
		"policy": {countersign.PolicyID, countersign.PolicyChanged{Files: map[string]string{"a.yaml": "one\n2\nthree\n", "new.yaml": "x\n"}}, "control.policy",
			"a.yaml|@@ -1,3 +1,3 @@| one|-two|+2| three\ngone.yaml, taken away|@@ -1,1 +0,0 @@|-old\nnew.yaml, new|@@ -0,0 +1,1 @@|+x"},
		"group": {"grp:dba", countersign.GroupChanged{Group: countersign.Group{Name: "dba", Members: []countersign.Member{{Person: "per_eve"}}}}, "control.group",
			"group dba|-member: Bob (per_bob)|+member: Eve (per_eve)"},
		"person": {"per_eve", countersign.PersonChanged{Person: countersign.Person{ID: "per_eve", Name: "Eve", Issuer: "local", Subject: "eve", Inactive: true}}, "control.person",
			"person Eve|-state: active|+state: deactivated"},
		"new person": {"per_new", countersign.PersonChanged{Person: countersign.Person{ID: "per_new", Name: "New", Issuer: "local", Subject: "new", InvitedBy: "per_bob"}}, "control.person",
			"person New, new|+id: per_new|+name: New|+known as: local|new|+state: active|+invited by: per_bob"},
		"absence": {"per_eve", countersign.PersonChanged{Person: countersign.Person{ID: "per_eve", Name: "Eve", Issuer: "local", Subject: "eve",
			Away: &countersign.Away{StandIn: "per_bob", Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}}}, "control.person",
			"person Eve|+away: from when this is made until 2026-12-01T00:00:00Z|+decides in their place meanwhile: Bob (per_bob)"},
		"absence to come": {"per_eve", countersign.PersonChanged{Person: countersign.Person{ID: "per_eve", Name: "Eve", Issuer: "local", Subject: "eve",
			Away: &countersign.Away{From: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}}}, "control.person",
			"person Eve|+away: from 2026-11-30T00:00:00Z until 2026-12-01T00:00:00Z|+decides in their place meanwhile: nobody"},
		"on-call group": {"grp:oncall:dba", countersign.GroupChanged{Group: countersign.Group{Name: "oncall:dba", Pool: "dba"}}, "control.group",
			"group oncall:dba, new|+group: oncall:dba|+on duty, as a schedule says, are members of: dba"},
		"agent": {"agt_x", countersign.AgentChanged{Agent: agent}, "control.agent",
			"agent x|-owner: dba|-state: active|+owner: Eve (per_eve)|+state: deactivated"},
		"token": {"agt_x", countersign.AgentChanged{Agent: swapped}, "control.agent",
			"agent x|-made by: operator (local) (operator, operator)|-" + token + "|+made by: Bob (per_eve, operator)|+asks with: tok_1, hash " + countersign.Digest{2}.String() +
				", issued 2026-11-01T00:00:00Z by Eve (per_eve, person, known as local|eve), until 2026-12-01T00:00:00Z"},
		"token revoked": {"agt_x", countersign.AgentChanged{Agent: revoked}, "control.agent", "agent x|-" + token + "|+" + token + ", revoked"},
		"identity": {"agt_x", countersign.AgentChanged{Agent: known}, "control.agent",
			`agent x|+asks with: tokens of https://idp, with the keys at https://idp/keys, ref ["b" "c"], sub ["a"]`},
		"when somebody joined": {"grp:dba", countersign.GroupChanged{Group: countersign.Group{Name: "dba", Members: []countersign.Member{{Person: "per_bob", Since: since}}}}, "control.group",
			"group dba|-member: Bob (per_bob)|+member: Bob (per_bob) since 2026-11-01T00:00:00.000000001Z"},
		"mirrored arguments": {"res:mcp/files", countersign.ResourceChanged{Resource: mirrored}, "control.resource",
			`resource mcp/files|+wipe claims: read only false, destructive false, annotated false, output schema false|+wipe claims: the header region repeats ["where" "region"]`},
		"repin": {"res:mcp/files", countersign.ResourceChanged{Resource: repinned}, "control.resource",
			"resource mcp/files|-pin of wipe: " + countersign.Digest{1}.String() + "|-listed otherwise than pinned, wipe: " + countersign.Digest{2}.String() + "|+pin of wipe: " + countersign.Digest{2}.String()},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := countersign.Changing(test.entity, 3, test.body)
			if err != nil {
				t.Fatal(err)
			}
			f := control.Understand(c, d)
			var parts []string
			for _, p := range f.Changes {
				parts = append(parts, strings.Join(slices.Concat([]string{p.Of}, p.Lines), "|"))
			}
			if got := strings.Join(parts, "\n"); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if !slices.Equal(f.Verbs, []string{test.verb}) || f.Certainty != countersign.Known || f.Severity() != countersign.High {
				t.Errorf("got %v, %s, severity %s; want %s, known, high", f.Verbs, f.Certainty, f.Severity(), test.verb)
			}
		})
	}
}

func TestABodyThatCannotBeReadIsUnknown(t *testing.T) {
	f := control.Understand(countersign.Control{Entity: "policy", BodyKind: countersign.KindPolicyChanged, Body: []byte(`{"bundel":1}`)}, directory())
	if f.Certainty != countersign.Unknown || len(f.Verbs) != 0 {
		t.Errorf("got %+v, want it unknown", f)
	}
}
