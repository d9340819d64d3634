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
