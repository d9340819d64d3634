package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign/internal/canon"
)

// The revisions that are spoken with servers, newest first. Modern is the one
// without sessions.
const (
	Modern = "2026-07-28"
	latest = "2025-11-25"
	older  = "2025-06-18"
)

// Said is what a server says of itself.
type Said struct {
	// Revision is the one that is spoken with it.
	Revision string
	// Capabilities are a JSON object in the server's bytes, nil if it has none.
	Capabilities json.RawMessage
	// Instructions are for its clients, a claim.
	Instructions string
}

// A Caller sends one request and waits for its answer. The error is an
// *UnansweredError.
type Caller func(ctx context.Context, a Ask) (Answer, error)

// Greet shakes hands with a server of either era that is reached over a pipe:
// initialize, and where the server refuses that, server/discover. No capability
// is declared, so that an honest server asks nothing of its client. A server that
// was greeted with initialize still waits for notifications/initialized.
func Greet(ctx context.Context, call Caller, version string, limit time.Duration) (Said, error) {
	said, err := initialize(ctx, call, version, limit)
	if refused, ok := errors.AsType[*refusedError](err); ok {
		if said, err = discover(ctx, call, version, limit); err != nil {
			return Said{}, refused
		}
	}
	return said, err
}

// patience is how long a server may take to say that it is of the revision
// without sessions, before it is taken for one of those with.
const patience = 5 * time.Second

// GreetOverHTTP shakes hands as Greet does, with the newest revision first: each
// request stands by itself there, so that a server that does not know
// server/discover has taken no harm by it.
func GreetOverHTTP(ctx context.Context, call Caller, version string, limit time.Duration) (Said, error) {
	said, err := discover(ctx, call, version, min(limit, patience))
	if err == nil || ctx.Err() != nil {
		return said, err
	}
	return initialize(ctx, call, version, limit)
}

// A refusedError is a greeting that the server did answer, with something else.
type refusedError struct{ method, why string }

func (e *refusedError) Error() string { return e.method + ": " + e.why }

func initialize(ctx context.Context, call Caller, version string, limit time.Duration) (Said, error) {
	name, err := json.Marshal(version)
	if err != nil {
		return Said{}, err
	}
	return greet(ctx, call, "protocolVersion", Ask{Method: "initialize", Limit: limit, Params: fmt.Appendf(nil,
		`{"protocolVersion":%q,"capabilities":{},"clientInfo":{"name":"countersign","version":%s}}`, latest, name)})
}

func discover(ctx context.Context, call Caller, version string, limit time.Duration) (Said, error) {
	params, err := Stateless(nil, version)
	if err != nil {
		return Said{}, err
	}
	return greet(ctx, call, "supportedVersions", Ask{Method: "server/discover", Limit: limit, Params: params})
}

func greet(ctx context.Context, call Caller, member string, ask Ask) (Said, error) {
	a, err := call(ctx, ask)
	if err != nil {
		return Said{}, fmt.Errorf("%s: %w", ask.Method, err)
	}
	if a.Problem+a.Failed != "" {
		return Said{}, &refusedError{ask.Method, a.Problem + a.Failed}
	}
	return said(a.Body, ask.Method, member)
}

// said reads the answer to a greeting.
func said(body []byte, method, member string) (Said, error) {
	if err := canon.Check(body); err != nil {
		return Said{}, fmt.Errorf("%s: %w", method, err)
	}
	raw, _ := canon.Member(body, "result", member)
	var offered []string
	if method == "initialize" {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	_ = json.Unmarshal(raw, &offered) // what is no list of texts offers nothing
	s := Said{}
	for _, revision := range []string{Modern, latest, older} {
		if s.Revision == "" && slices.Contains(offered, revision) && (revision == Modern) == (method == "server/discover") {
			s.Revision = revision
		}
	}
	if s.Revision == "" {
		return s, fmt.Errorf("%s: the server speaks protocol %s; %s, %s and %s are understood", method, Quote(strings.Join(offered, ", ")), Modern, latest, older)
	}
	if raw, ok := canon.Member(body, "result", "capabilities"); ok {
		s.Capabilities = raw
	}
	if raw, ok := canon.Member(body, "result", "instructions"); ok && json.Unmarshal(raw, &s.Instructions) != nil {
		return s, fmt.Errorf("%s: the server's instructions are no text", method)
	}
	return s, nil
}
