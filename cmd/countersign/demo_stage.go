package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/identity/token"
	"github.com/countersignhq/countersign/store"
)

//go:embed demo.yaml
var demoPolicy []byte

// shopVerb is the hidden verb under which the program is the demo's upstream.
const shopVerb = "__northwind"

// The people of the demo.
const (
	alice = "per_demo0000alice" // owns the agent
	bob   = "per_demo00000bob"  // decides refunds
	priya = "per_demo000priya"  // with Bob, one of dba
)

// demoConfig is the configuration of the demo's server.
func demoConfig(data, listenOn string) (config.Config, error) {
	self, err := exec.LookPath(os.Args[0])
	if err != nil {
		return config.Config{}, err
	}
	if self, err = filepath.Abs(self); err != nil {
		return config.Config{}, err
	}
	if data, err = filepath.Abs(data); err != nil {
		return config.Config{}, err
	}
	if err := makeFolder(data); err != nil {
		return config.Config{}, err
	}
	rules := filepath.Join(data, "northwind.yaml")
	if err := os.WriteFile(rules, demoPolicy, 0o600); err != nil {
		return config.Config{}, err
	}
	c := config.Defaults(data)
	c.Data, c.Policy = data, []string{rules}
	c.Keys = config.Keys{Log: filepath.Join(data, "log.key"), Vault: filepath.Join(data, "vault.key"), Pin: filepath.Join(data, "log.pin")}
	if listenOn != "" {
		c.Listen = listenOn
	}
	c.Sinks = []countersign.Sink{{Match: "s3://acme-eu-*", Region: "eu-west-1"}, {Match: "s3://acme-us-*", Region: "us-east-1"}}
	c.Groups = map[string][]config.Member{"payments": nil, "dba": nil}
	c.Resources = []config.Resource{{
		Name: "mcp/northwind", Environment: "prod", Regions: []string{"eu-west-1"}, DataClasses: []string{"internal"}, Owners: []string{"payments"},
		Upstream: config.Upstream{Command: []string{self, shopVerb}, UnsafeSameUser: true},
		Tools: map[string]config.Tool{
			"list_plans":       {Verbs: []string{"mcp.read"}},
			"create_refund":    {Verbs: []string{"mcp.write"}, Classes: []string{"payment"}},
			"export_customers": {Verbs: []string{"mcp.read"}, Classes: []string{"pii"}, Sink: "destination"},
			"delete_customers": {Verbs: []string{"mcp.write"}, Classes: []string{"pii"}},
		},
	}}
	return c, nil
}

// nextFree listens on the address or, where its port is taken, on the next free
// one.
func nextFree(_, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, err
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}

// stage puts the people and the agent of the demo on record, takes back what an
// earlier run left waiting, and returns a token for the agent.
func (s *server) stage(ctx context.Context) (countersign.Agent, string, error) {
	who := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "demo"}, Method: "demo"}
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return countersign.Agent{}, "", err
	}
	for id, name := range map[string]string{alice: "Alice", bob: "Bob", priya: "Priya"} {
		if _, there := d.People[id]; there {
			continue
		}
		if _, err := s.gate.SetPerson(ctx, who, countersign.Person{ID: id, Name: name, Issuer: "local", Subject: name}); err != nil {
			return countersign.Agent{}, "", err
		}
	}
	for group, members := range map[string][]string{"payments": {alice, bob}, "dba": {bob, priya}} {
		if err := s.gate.SetGroup(ctx, who, group, members); err != nil {
			return countersign.Agent{}, "", err
		}
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	text, hash := token.New()
	bot := countersign.Agent{
		ID: "agt_demo000000bot", Name: "demo-bot", Owner: alice, CreatedBy: countersign.Operator(), Region: "eu-west-1",
		Tokens: []countersign.Token{{ID: countersign.NewID("tok"), Hash: hash, IssuedBy: countersign.Operator(), IssuedAt: now, Expires: now.Add(24 * time.Hour)}},
	}
	if err := s.gate.SetAgent(ctx, who, bot); err != nil {
		return bot, "", err
	}
	left, _, err := s.gate.Search(ctx, store.Query{Requester: bot.ID, Decision: countersign.DecisionPending})
	for _, r := range left {
		_, wErr := s.gate.Withdraw(ctx, r.ID, who, "the demo starts again")
		err = errors.Join(err, wErr)
	}
	// A membership counts for what is asked after it, at the grain of the record.
	time.Sleep(2 * time.Millisecond)
	return bot, text, err
}

// newest waits for a request of the agent that is not among those seen, or for
// the call that should make one to end.
func (s *server) newest(ctx context.Context, agent string, seen map[countersign.RequestID]bool) (countersign.Request, error) {
	changed, done := s.gate.Changes()
	defer done()
	for {
		found, _, err := s.gate.Search(ctx, store.Query{Requester: agent, Limit: 1})
		if err != nil {
			return countersign.Request{}, err
		}
		if len(found) > 0 && !seen[found[0].ID] {
			seen[found[0].ID] = true
			return found[0], nil
		}
		select {
		case <-ctx.Done():
			return countersign.Request{}, ctx.Err()
		case <-time.After(10 * time.Second):
			return countersign.Request{}, fmt.Errorf("the agent's call did not arrive")
		case <-changed:
		}
	}
}

// settled waits until nothing more happens to the request by itself.
func (s *server) settled(ctx context.Context, id countersign.RequestID) (countersign.Request, error) {
	r, err := s.gate.Get(ctx, id)
	for err == nil && !r.Settled() {
		if r, err = s.gate.Watch(ctx, id, r.Version); ctx.Err() != nil {
			return r, ctx.Err()
		}
	}
	return r, err
}
