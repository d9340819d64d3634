package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/countersignhq/countersign/cmd/countersign/bridge"
	"github.com/countersignhq/countersign/cmd/countersign/wrap"
	"github.com/countersignhq/countersign/ledger"
	upmcp "github.com/countersignhq/countersign/upstream/mcp"
	"github.com/countersignhq/countersign/upstream/remote"
	"golang.org/x/mod/sumdb/note"
)

// wrap carries the agent's messages to the door of its resource, and runs here
// what the gateway releases.
func (a *at) wrap(ctx context.Context, ask anMCP) error {
	through, err := a.throughDoors(ctx, ask.doors)
	if err != nil {
		return err
	}
	to := wrap.Config{Doors: through.URL, Token: through.Token, UserAgent: through.UserAgent}
	place, err := wrap.Find(ctx, to, ask.resource)
	if err != nil {
		return err
	}
	trust, err := a.pinned(ask.key, to.Doors, place.VKey)
	if err != nil {
		return err
	}
	through.URL += "/" + place.Resource
	if ask.prompt {
		prompt := wrap.NewPrompt(place.Resource, place.Target, trust)
		through.Outgoing, through.Incoming = prompt.Outgoing, prompt.Incoming
		return a.serve(ctx, through, to, place.Resource, prompt, func() error { return nil })
	}
	up, err := a.wrapped(ask.command, place, trust)
	if err != nil {
		return err
	}
	return a.serve(ctx, through, to, place.Resource, up, up.Close)
}

// serve runs what is released as long as the agent's messages come. At their end
// the server ends first, so that what still runs has an outcome to be told.
func (a *at) serve(ctx context.Context, through bridge.Config, to wrap.Config, resource string, s wrap.Server, end func() error) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- wrap.Serve(working, to, resource, s, func() { close(ready) }) }()
	select {
	case err := <-ended:
		return errors.Join(err, end())
	case <-ready:
	}
	carried := make(chan error, 1)
	go func() { carried <- bridge.Run(ctx, through, a.t.in, a.t.out) }()
	select {
	case err := <-ended:
		return errors.Join(err, end())
	case err := <-carried:
		err = errors.Join(err, end())
		stop()
		return errors.Join(err, <-ended)
	case <-ctx.Done(): // while the agent may keep its side open
		return errors.Join(ctx.Err(), end(), <-ended)
	}
}

// wrapped is the agent's own MCP server, started as the agent would start it: here,
// with its environment less the token.
func (a *at) wrapped(command []string, place remote.Welcome, trust ledger.Trust) (*upmcp.Upstream, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for _, variable := range os.Environ() {
		if name, value, ok := strings.Cut(variable, "="); ok && name != "COUNTERSIGN_TOKEN" {
			env[name] = value
		}
	}
	return upmcp.New(upmcp.Config{
		Name: place.Resource, Target: place.Target, Trust: trust, Version: version(),
		Command: command, Dir: here, Env: env, UnsafeSameUser: true,
	})
}

// pinned is the key that releases must be signed with: the one that was given, or
// the one that this gateway showed the first time.
func (a *at) pinned(key, doors, shown string) (ledger.Trust, error) {
	if key == "" {
		key = a.t.get("COUNTERSIGN_LOG_KEY")
	}
	if key != "" {
		return readTrust(key)
	}
	u, err := url.Parse(doors)
	if err != nil {
		return ledger.Trust{}, err
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return ledger.Trust{}, failed("set COUNTERSIGN_LOG_KEY to the log's verifier key", "there is nowhere to keep the log's key: %v", err)
	}
	kept := filepath.Join(config, "countersign", "logs", strings.ReplaceAll(u.Host, ":", "_")+".vkey")
	b, err := os.ReadFile(kept)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v, err := ledger.NewVerifier(shown)
		if err != nil {
			return ledger.Trust{}, err
		}
		trust := ledger.Trust{Origin: v.Name(), Keys: note.VerifierList(v)}
		a.t.say("the key of this gateway's log is kept in %s: %s", kept, shown)
		return trust, errors.Join(os.MkdirAll(filepath.Dir(kept), 0o700), os.WriteFile(kept, []byte(shown+"\n"), 0o600))
	case err != nil:
		return ledger.Trust{}, err
	case strings.TrimSpace(string(b)) != shown:
		return ledger.Trust{}, failed("if its log was begun anew, and its operator says so, remove the file", "the gateway at %s shows another key than the one kept in %s", u.Host, kept)
	}
	return readTrust(kept)
}
