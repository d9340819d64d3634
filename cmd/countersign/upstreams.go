package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/door/mcp/notice"
	"github.com/countersignhq/countersign/door/mcp/patience"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/confine"
	upmcp "github.com/countersignhq/countersign/upstream/mcp"
	"github.com/countersignhq/countersign/upstream/remote"
)

// An upstream is the other side of a resource of the configuration.
type upstream interface {
	gate.Executor
	gate.Passer
	Target() countersign.Digest
	Start(ctx context.Context) error
	Capabilities(ctx context.Context) (json.RawMessage, error)
	Instructions(ctx context.Context) (string, error)
	Close() error
}

// makeUpstreams makes the upstreams of the configuration.
func (s *server) makeUpstreams(ctx context.Context) error {
	s.upstreams, s.remotes = map[string]upstream{}, map[string]*remote.Remote{}
	for _, r := range s.cfg.Resources {
		if r.Upstream.Wrapped != "" {
			if err := s.makeRemote(ctx, r); err != nil {
				return err
			}
			continue
		}
		in, err := upstreamConfig(s.cfg, r, s.trust, os.LookupEnv)
		if err != nil {
			return err
		}
		in.Log, in.OnStart = s.log, s.metrics.Started(r.Name)
		in.OnNotice = func(method string, params []byte) {
			s.notices.Tell(r.Name, notice.Notice{Method: method, Params: params})
		}
		in.OnToolsChanged = func() { s.list(context.WithoutCancel(ctx), r.Name) }
		up, err := upmcp.New(in)
		if err != nil {
			return err
		}
		s.upstreams[r.Name] = up
		s.later(func(context.Context) error { return up.Close() })
	}
	return nil
}

// makeRemote makes the upstream of a resource whose commands run in a process of
// an agent's. Its tools are listed when that attaches.
func (s *server) makeRemote(ctx context.Context, r config.Resource) error {
	up, err := remote.New(remote.Config{
		Name: r.Name, Agent: r.Upstream.Wrapped, Trust: s.trust,
		OnAttached: func() { s.list(context.WithoutCancel(ctx), r.Name) },
	})
	if err != nil {
		return err
	}
	s.upstreams[r.Name], s.remotes[r.Name] = up, up
	s.later(func(context.Context) error { return up.Close() })
	return nil
}

// startUpstreams starts all at once. A program that is not there, or that cannot
// be kept from the data folder, keeps the server from starting; one that is there
// and does not get ready is tried again at its first use.
func (s *server) startUpstreams(ctx context.Context) error {
	errs := make([]error, len(s.cfg.Resources))
	var starting sync.WaitGroup
	for i, r := range s.cfg.Resources {
		starting.Go(func() { errs[i] = startError(s.cfg.File, r, s.upstreams[r.Name].Start(ctx)) })
	}
	starting.Wait()
	for i, err := range errs {
		if f, ok := errors.AsType[*failure](err); ok {
			return f
		}
		if err != nil {
			s.warnings = append(s.warnings, err.Error())
			continue
		}
		if s.cfg.Resources[i].Upstream.Wrapped != "" {
			continue
		}
		s.ready = append(s.ready, s.cfg.Resources[i].Name)
	}
	return nil
}

// upstreamConfig is a resource's upstream with its secrets read. The program is
// kept from the data folder, and from the keys and secrets that lie elsewhere.
func upstreamConfig(cfg config.Config, r config.Resource, trust ledger.Trust, lookup func(string) (string, bool)) (upmcp.Config, error) {
	in := upmcp.Config{
		Name: r.Name, URL: r.Upstream.URL, Header: map[string]string{},
		Command: r.Upstream.Command, Dir: r.Upstream.Dir, Env: map[string]string{}, User: r.Upstream.User,
		UnsafeSameUser: r.Upstream.UnsafeSameUser, LogStderr: r.Upstream.LogStderr, Trust: trust, Version: version(),
		Private: []string{cfg.Data},
	}
	secrets := []string{cfg.Keys.Log, cfg.Keys.Vault, cfg.Keys.Pin}
	for _, from := range []struct {
		what   string
		values map[string]config.Value
		to     map[string]string
	}{{"env", r.Upstream.Env, in.Env}, {"header", r.Upstream.Header, in.Header}} {
		for _, name := range slices.Sorted(maps.Keys(from.values)) {
			v := from.values[name]
			text, err := v.Resolve(lookup)
			if err != nil {
				return in, failed("set it before the server starts", "%s:%d: %s: %s %s: %v", cfg.File, r.Line, r.Name, from.what, name, err)
			}
			from.to[name] = text
			if path, ok := strings.CutPrefix(v.String(), "file:"); ok && v.IsReference() {
				secrets = append(secrets, path)
			}
		}
	}
	var err error
	if in.OAuth, err = oauthConfig(cfg, r, lookup); err != nil {
		return in, err
	}
	for _, path := range secrets {
		if rel, err := filepath.Rel(cfg.Data, path); (err != nil || strings.HasPrefix(rel, "..")) && exists(path) {
			in.Private = append(in.Private, path)
		}
	}
	return in, nil
}

// startError tells what cannot be mended by waiting as a failure.
func startError(file string, r config.Resource, err error) error {
	where := fmt.Sprintf("%s:%d", file, r.Line)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, confine.ErrNoIsolation):
		return failed("give it a user: of its own or, where the risk is yours, unsafe_same_user: true", "%s: %v", where, err)
	case r.Upstream.URL != "":
		return fmt.Errorf("%w; it is tried again at its first use", err)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return failed("install it, or change the upstream's command", "%s: %s: the program %q is not there", where, r.Name, r.Upstream.Command[0])
	case errors.Is(err, fs.ErrPermission):
		return failed("check its mode and the upstream's dir and user", "%s: %s: the program %q may not be run", where, r.Name, r.Upstream.Command[0])
	}
	return fmt.Errorf("%w; it is started again at its first use", err)
}

// list reads the upstream's tools through the gate, which pins what it sees for
// the first time and notes what is not as pinned.
func (s *server) list(ctx context.Context, name string) {
	params := []byte(`{}`)
	for range 50 {
		answer, err := s.gate.Pass(ctx, countersign.Gateway(), name, "tools/list", params)
		if err != nil {
			s.log.Warn("the tools are not listed", "resource", name, "err", err)
			return
		}
		cursor, ok := canon.Member(answer, "result", "nextCursor")
		if !ok {
			return
		}
		if params, err = json.Marshal(map[string]json.RawMessage{"cursor": cursor}); err != nil {
			return
		}
	}
}

// describe is what an upstream said of itself when it was initialized.
func (s *server) describe(ctx context.Context, resource string) (json.RawMessage, string, error) {
	up, ok := s.upstreams[resource]
	if !ok {
		return json.RawMessage(`{"tools":{}}`), "", nil
	}
	capabilities, err := up.Capabilities(ctx)
	if err != nil {
		return nil, "", err
	}
	instructions, err := up.Instructions(ctx)
	return capabilities, instructions, err
}

// budgets are the patiences of the configuration, for the MCP door.
func budgets(clients map[string]config.Patience) map[string]patience.Budget {
	out := map[string]patience.Budget{}
	for name, p := range clients {
		out[name] = patience.Budget{Silent: p.Silent, Progress: p.Progress}
	}
	return out
}
