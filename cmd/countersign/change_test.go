package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger/ledgertest"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/store"
)

// A site is a folder with a configuration that is started again and again.
type site struct {
	t   *testing.T
	cfg config.Config
	log bytes.Buffer
}

func newSite(t *testing.T) *site {
	data := filepath.Join(t.TempDir(), "data")
	cfg := config.Defaults(data)
	cfg.Data, cfg.Listen, cfg.Doors, cfg.Dir = data, "127.0.0.1:0", "127.0.0.1:0", filepath.Dir(data)
	cfg.Keys = config.Keys{Log: filepath.Join(data, "log.key"), Vault: filepath.Join(data, "vault.key")}
	cfg.Policy = []string{filepath.Join(cfg.Dir, "policy.yaml")}
	s := &site{t: t, cfg: cfg}
	s.write(string(policy.Starter()))
	return s
}

func (s *site) write(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.cfg.Policy[0], []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// start builds a server, lets act have it, and ends it.
func (s *site) start(environment string, act func(*server, *countersign.Directory)) {
	s.t.Helper()
	srv, err := build(s.t.Context(), s.cfg, options{
		log:       slog.New(slog.NewTextHandler(&s.log, nil)),
		executors: map[string]gate.Executor{"mcp/desk": idle{s.t}},
		resources: []countersign.Resource{{Name: "mcp/desk", Environment: environment, DataClasses: []string{"internal"}, Owners: []string{"payments"}}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := srv.gate.Directory(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	act(srv, d)
	if err := srv.close(context.WithoutCancel(s.t.Context())); err != nil {
		s.t.Error(err)
	}
}

// enrol adds two people with passkeys.
func enrol(t *testing.T, s *server) {
	t.Helper()
	first := countersign.Who{}
	for _, name := range []string{"alice", "bob"} {
		p, err := s.gate.SetPerson(t.Context(), configuration(), countersign.Person{ID: countersign.NewID("per"), Name: name, Issuer: "local", Subject: name})
		if err != nil {
			t.Fatal(err)
		}
		k := ledgertest.NewPasskey(t, p.ID, "phone")
		k.Credential.VouchedBy = []string{"operator"}
		c, err := s.gate.Enrol(t.Context(), configuration(), k.Credential)
		if err == nil && first.Actor.ID != "" {
			err = s.gate.ConfirmCredential(t.Context(), first, c.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		first.Actor = p.Principal()
	}
}

func TestAStartWithChangedFilesAsksPeopleOnceAndRunsOn(t *testing.T) {
	s := newSite(t)
	var active countersign.Digest
	s.start("prod", func(srv *server, d *countersign.Directory) {
		active = d.Policy.Bundle
		enrol(t, srv)
	})
	s.write(strings.Replace(string(policy.Starter()), "expires: 30m", "expires: 1h", 1))
	for range 2 {
		s.start("staging", func(srv *server, d *countersign.Directory) {
			waits := strings.Join(srv.waits, "\n")
			if len(srv.waits) != 2 || !strings.Contains(waits, "the policy is as it was until") || !strings.Contains(waits, "the resource mcp/desk is as it was until") || !strings.Contains(waits, "/r/req_") {
				t.Errorf("got %q, want the policy and the resource to wait, and where", srv.waits)
			}
			if d.Policy.Bundle != active || d.Resources["mcp/desk"].Environment != "prod" {
				t.Errorf("got policy %s and environment %s, want what two people had not changed", d.Policy.Bundle, d.Resources["mcp/desk"].Environment)
			}
			left, _, err := srv.gate.Search(t.Context(), store.Query{Decision: countersign.DecisionPending})
			if err != nil || len(left) != 2 {
				t.Errorf("%d requests wait, %v; want two", len(left), err)
			}
		})
	}
	s.write("kind: Nonsense\n")
	s.start("prod", func(srv *server, d *countersign.Directory) {
		if d.Policy.Bundle != active || len(srv.warnings) == 0 {
			t.Errorf("got policy %s and %q, want the old one and a warning", d.Policy.Bundle, srv.warnings)
		}
		if d.Versions[countersign.CandidateID] != 1 || !strings.Contains(s.log.String(), "level=ERROR msg=\"a policy does not load") {
			t.Errorf("the bad bundle is on record %d times, want once, and in the log as an error:\n%s", d.Versions[countersign.CandidateID], s.log.String())
		}
	})
}
