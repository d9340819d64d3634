package workload_test

import (
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/workload"
)

// said is a chain as text: kind id name of each.
func said(chain []countersign.Principal) string {
	var all []string
	for _, p := range chain {
		all = append(all, string(p.Kind)+" "+p.ID)
	}
	return strings.Join(all, ", ")
}

func TestTheWholeChainIsKept(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	type m = map[string]any
	bySub := map[string][]string{"sub": {"repo:acme/deploy:ref:refs/heads/main"}}
	for name, c := range map[string]struct {
		mapping map[string][]string
		claims  m
		subject string
		chain   string
		fails   bool
	}{
		"a client for itself":        {byClient, m{}, "helper-app", "", false},
		"a client for a person":      {byClient, m{"sub": "u-7"}, "helper-app", "person " + i.URL + "|u-7", false},
		"a workload without client":  {bySub, m{"sub": "repo:acme/deploy:ref:refs/heads/main", "client_id": nil}, "repo:acme/deploy:ref:refs/heads/main", "", false},
		"a service with its own id":  {map[string][]string{"sub": {"oid-1"}}, m{"sub": "oid-1", "client_id": nil, "azp": "app-1"}, "oid-1", "", false},
		"an actor":                   {byClient, m{"sub": "u-7", "act": m{"sub": "helper-app"}}, "helper-app", "person " + i.URL + "|u-7", false},
		"actors behind it":           {byClient, m{"sub": "u-7", "act": m{"sub": "helper-app", "act": m{"sub": "planner", "act": m{"iss": "https://people", "sub": "a-1"}}}}, "helper-app", "person " + i.URL + "|u-7, person " + i.URL + "|planner, person per_alice", false},
		"an actor by act.sub":        {map[string][]string{"act.sub": {"helper-app"}}, m{"sub": "u-7", "act": m{"sub": "helper-app"}}, "helper-app", "person " + i.URL + "|u-7", false},
		"another actor by act.sub":   {map[string][]string{"act.sub": {"helper-app"}}, m{"sub": "u-7", "act": m{"sub": "other"}}, "", "", true},
		"an actor that nobody named": {bySub, m{"sub": "repo:acme/deploy:ref:refs/heads/main", "act": m{"sub": "other"}}, "", "", true},
		"an actor without subject":   {byClient, m{"sub": "u-7", "act": m{"email": "eve@example.com"}}, "", "", true},
		"an actor that is a text":    {byClient, m{"sub": "u-7", "act": "helper-app"}, "", "", true},
		"too many actors":            {byClient, m{"act": nested(9)}, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			in := i.config(c.mapping)
			who, err := verifier(t, in).Authenticate(t.Context(), directory(workload.Identities(in, "helper")...), sign(t, jose.ES256, key, kid("k1"), i.claims(c.claims)), resource, now)
			if (err != nil) != c.fails {
				t.Fatalf("got %+v, %v", who, err)
			}
			if got := said(who.OnBehalfOf); got != c.chain || who.Actor.Subject != c.subject {
				t.Errorf("got %q on behalf of %q, want %q of %q", who.Actor.Subject, got, c.subject, c.chain)
			}
		})
	}
}

func nested(depth int) map[string]any {
	a := map[string]any{"sub": "s"}
	if depth > 1 {
		a["act"] = nested(depth - 1)
	}
	return a
}

func TestWhoIsKnownElsewhereIsThatPerson(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	in := i.config(byClient)
	d := directory(workload.Identities(in, "helper")...)
	d.People["per_carol"] = countersign.Person{ID: "per_carol", Name: "Carol", Issuer: i.URL, Subject: "u-7"}
	who, err := verifier(t, in).Authenticate(t.Context(), d, sign(t, jose.ES256, key, kid("k1"), i.claims(map[string]any{"sub": "u-7"})), resource, now)
	if err != nil || said(who.OnBehalfOf) != "person per_carol" {
		t.Errorf("got %+v, %v; want on behalf of Carol", who, err)
	}
}

func TestAnAgentBehindAnAgentIsThatAgent(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	in := i.config(byClient)
	type m = map[string]any
	behind := func(actor m) m { return m{"sub": "u-7", "act": m{"sub": "helper-app", "act": actor}} }
	by := func(claims map[string][]string) countersign.Identity {
		return countersign.Identity{Issuer: i.URL, Claims: claims}
	}
	planner := []countersign.Identity{by(map[string][]string{"client_id": {"planner"}})}
	for name, c := range map[string]struct {
		identities []countersign.Identity
		claims     m
		chain      string
	}{
		"by its client":               {planner, behind(m{"sub": "planner"}), "person " + i.URL + "|u-7, agent agt_planner"},
		"by a client that it names":   {planner, behind(m{"sub": "oid-9", "client_id": "planner"}), "person " + i.URL + "|u-7, agent agt_planner"},
		"by its subject":              {[]countersign.Identity{by(map[string][]string{"sub": {"planner"}})}, behind(m{"sub": "planner"}), "person " + i.URL + "|u-7, agent agt_planner"},
		"by act.sub":                  {[]countersign.Identity{by(map[string][]string{"act.sub": {"planner"}})}, behind(m{"sub": "planner"}), "person " + i.URL + "|u-7, agent agt_planner"},
		"by act.iss":                  {[]countersign.Identity{by(map[string][]string{"act.sub": {"a-9"}, "act.iss": {"https://robots"}})}, behind(m{"iss": "https://robots", "sub": "a-9"}), "person " + i.URL + "|u-7, agent agt_planner"},
		"by claims of another kind":   {[]countersign.Identity{by(map[string][]string{"repository_id": {"7"}})}, behind(m{"sub": "x", "repository_id": "7"}), "person " + i.URL + "|u-7, agent agt_planner"},
		"as the subject":              {planner, m{"sub": "planner", "act": m{"sub": "helper-app"}}, "agent agt_planner"},
		"as the subject of a client":  {planner, m{"sub": "planner"}, "agent agt_planner"},
		"of another issuer":           {planner, behind(m{"iss": "https://people", "sub": "planner"}), "person " + i.URL + "|u-7, person https://people|planner"},
		"with a claim that is others": {[]countersign.Identity{by(map[string][]string{"client_id": {"planner"}, "tenant": {"a"}})}, behind(m{"sub": "planner", "tenant": "b"}), "person " + i.URL + "|u-7, person " + i.URL + "|planner"},
		"with a claim that it lacks":  {[]countersign.Identity{by(map[string][]string{"client_id": {"planner"}, "tenant": {"a"}})}, behind(m{"sub": "planner"}), "person " + i.URL + "|u-7, agent agt_planner"},
	} {
		t.Run(name, func(t *testing.T) {
			token := sign(t, jose.ES256, key, kid("k1"), i.claims(c.claims))
			d := directory(workload.Identities(in, "helper")...)
			d.People["per_mallory"] = countersign.Person{ID: "per_mallory", Name: "Mallory", Issuer: "local", Subject: "mallory"}
			agent := countersign.Agent{ID: "agt_planner", Name: "planner", Owner: "per_mallory", Identities: c.identities}
			d.Agents[agent.ID] = agent
			d.Halts[agent.ID] = countersign.Halt{Agent: agent.ID, On: true}
			who, err := verifier(t, in).Authenticate(t.Context(), d, token, resource, now)
			if err != nil || said(who.OnBehalfOf) != c.chain {
				t.Fatalf("got %q, %v; want %q", said(who.OnBehalfOf), err, c.chain)
			}
			if !strings.Contains(c.chain, "agt_planner") {
				return
			}
			if last := who.OnBehalfOf[len(who.OnBehalfOf)-1]; last.Owner != "per_mallory" || last.Issuer == "local" {
				t.Errorf("got %+v, want the owner, and the identity that it was known by", last)
			}
			agent.Inactive = true
			d.Agents[agent.ID] = agent
			if _, err := verifier(t, in).Authenticate(t.Context(), d, token, resource, now); err == nil {
				t.Error("a token was taken that asks for an agent that is not active")
			}
			d.Agents["agt_2"] = countersign.Agent{ID: "agt_2", Name: "second", Identities: c.identities}
			if who, err := verifier(t, in).Authenticate(t.Context(), d, token, resource, now); err != nil || !strings.Contains(said(who.OnBehalfOf), "agt_2") {
				t.Errorf("got %q, %v; want the one that is active", said(who.OnBehalfOf), err)
			}
			agent.Inactive = false
			d.Agents[agent.ID] = agent
			if _, err := verifier(t, in).Authenticate(t.Context(), d, token, resource, now); err == nil {
				t.Error("a token was taken that asks for one of two agents")
			}
		})
	}
}

func TestWhoIsBothAPersonAndAnAgentIsNobodyToAskFor(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	in := i.config(byClient)
	d := directory(workload.Identities(in, "helper")...)
	d.People["per_carol"] = countersign.Person{ID: "per_carol", Name: "Carol", Issuer: i.URL, Subject: "u-7"}
	d.Agents["agt_2"] = countersign.Agent{ID: "agt_2", Name: "second", Identities: []countersign.Identity{{Issuer: i.URL, Claims: map[string][]string{"client_id": {"u-7"}}}}}
	token := sign(t, jose.ES256, key, kid("k1"), i.claims(map[string]any{"sub": "u-7"}))
	if who, err := verifier(t, in).Authenticate(t.Context(), d, token, resource, now); err == nil {
		t.Errorf("got %+v, want the token refused", who)
	}
}

func TestNeitherTheRecordNorTheConfigurationAloneLetsAnybodyIn(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	token := sign(t, jose.ES256, key, kid("k1"), i.claims(nil))
	in := i.config(byClient)
	onRecord := workload.Identities(in, "helper")
	other := directory(onRecord...)
	other.Agents["agt_2"] = countersign.Agent{ID: "agt_2", Name: "twin", Identities: onRecord}
	both := i.config(byClient)
	both[0].Agents = append(both[0].Agents, workload.Mapping{Agent: "twin", Claims: byClient})
	gone := directory(onRecord...)
	a := gone.Agents["agt_1"]
	a.Inactive = true
	gone.Agents["agt_1"] = a
	for name, c := range map[string]struct {
		in []workload.Issuer
		d  *countersign.Directory
		ok bool
	}{
		"both":                         {in, directory(onRecord...), true},
		"the configuration alone":      {in, directory(), false},
		"the record alone":             {[]workload.Issuer{{URL: i.URL}}, directory(onRecord...), false},
		"a configuration that differs": {i.config(map[string][]string{"client_id": {"helper-app", "more"}}), directory(onRecord...), false},
		"other keys than on record":    {[]workload.Issuer{{URL: i.URL, Keys: i.URL + "/keys", Agents: in[0].Agents}}, directory(onRecord...), false},
		"an inactive agent":            {in, gone, false},
		"an agent on record alone":     {in, other, true},
		"two agents":                   {both, other, false},
	} {
		if _, err := verifier(t, c.in).Authenticate(t.Context(), c.d, token, resource, now); (err == nil) != c.ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
