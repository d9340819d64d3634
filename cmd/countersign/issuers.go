package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/door/mcp/auth"
	"github.com/countersignhq/countersign/identity/token"
	"github.com/countersignhq/countersign/identity/workload"
)

// issuersOf are the issuers of the configuration as they are verified.
func issuersOf(cfg config.Config) []workload.Issuer {
	var all []workload.Issuer
	for _, i := range cfg.Issuers {
		in := workload.Issuer{URL: i.URL, Keys: i.Keys, Type: i.Type, Algorithms: i.Algorithms, Scopes: i.Scopes}
		for _, a := range i.Agents {
			in.Agents = append(in.Agents, workload.Mapping{Agent: a.Agent, Claims: a.Claims})
		}
		all = append(all, in)
	}
	return all
}

// openIssuers makes what knows agents by the tokens of issuers. None is asked
// anything before the first of their tokens comes.
func (s *server) openIssuers(context.Context) (err error) {
	if len(s.cfg.Issuers) == 0 {
		return nil
	}
	if s.tokens, err = workload.New(issuersOf(s.cfg)); err != nil {
		return failed("mend issuers: in "+s.cfg.File, "%v", err)
	}
	s.oauth = &auth.Server{URL: s.doorsURL()}
	for _, i := range s.cfg.Issuers {
		if !i.ClientsAsk {
			continue
		}
		s.oauth.Issuers = append(s.oauth.Issuers, i.URL)
		for _, scope := range i.Scopes {
			if !slices.Contains(s.oauth.Scopes, scope) {
				s.oauth.Scopes = append(s.oauth.Scopes, scope)
			}
		}
	}
	return nil
}

// offered is what clients are told of where they get tokens, nil where they get
// none by themselves.
func (s *server) offered() *auth.Server {
	if s.oauth == nil || len(s.oauth.Issuers) == 0 {
		return nil
	}
	return s.oauth
}

// doorsURL is how agents reach the doors.
func (s *server) doorsURL() string {
	if s.cfg.DoorsURL != "" {
		return s.cfg.DoorsURL
	}
	return "http://" + s.doors.Addr().String()
}

// doorHosts are the names by which agents reach the doors.
func (s *server) doorHosts() []string {
	hosts := []string{s.public.Hostname(), hostOf(s.cfg.Doors)}
	if u, err := url.Parse(s.cfg.DoorsURL); err == nil && u.Host != "" {
		hosts = append(hosts, u.Host, u.Hostname())
	}
	return hosts
}

// asker is whose bearer token a request carries: an agent's own, or one of an
// issuer for the resource that the path names.
func (s *server) asker(ctx context.Context, r *http.Request) (countersign.Who, error) {
	text := bearer(r)
	if s.tokens == nil || text == "" || strings.HasPrefix(text, token.Prefix) {
		by, err := s.agent(ctx, r)
		return countersign.Who{Actor: by, Method: "token"}, err
	}
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return countersign.Who{}, err
	}
	return s.tokens.Authenticate(ctx, d, text, s.oauth.Resource(strings.TrimPrefix(r.URL.Path, "/")), time.Now())
}

// configureIdentities puts on record by which tokens of issuers agents are known.
// That is as good as a token of theirs, so it waits for people as one does.
func (s *server) configureIdentities(ctx context.Context) error {
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return err
	}
	issuers := issuersOf(s.cfg)
	named := map[string]bool{}
	for _, i := range issuers {
		for _, m := range i.Agents {
			named[m.Agent] = true
		}
	}
	for _, agent := range d.Agents {
		delete(named, agent.Name)
		want := workload.Identities(issuers, agent.Name)
		if slices.EqualFunc(agent.Identities, want, countersign.Identity.Equal) {
			continue
		}
		agent.Identities = want
		if err := s.proposed("by which tokens "+agent.Name+" is known", s.gate.SetAgent(ctx, configuration(), agent)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		s.warnings = append(s.warnings, fmt.Sprintf("issuers: there is no agent %s yet; countersign agent create %s, and start again", name, name))
	}
	return nil
}

// issuers looks whether the keys of each issuer can be read.
func (x *examination) issuers(ctx context.Context) {
	if len(x.cfg.Issuers) == 0 {
		return
	}
	v, err := workload.New(issuersOf(x.cfg))
	if err != nil {
		x.bad("issuers", "mend issuers: in "+x.cfg.File, "%v", err)
		return
	}
	for _, i := range x.cfg.Issuers {
		if err := v.Check(ctx, i.URL); err != nil {
			x.bad("issuers", "its tokens let nobody in; check issuer: and jwks_url:, and what is between", "%s: %v", i.URL, err)
			continue
		}
		x.ok("issuers", "%s, with its keys", i.URL)
		if len(i.Agents) == 0 {
			x.warn("issuers", "agents: [{agent: NAME, claims: {…}}]", "%s:%d: no token of %s is of any agent", x.cfg.File, i.Line, i.URL)
		}
	}
}
