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
type Caller func(ctx context.Context, method string, params []byte, limit time.Duration) (Answer, error)

// Greet shakes hands with a server of either era: initialize, and where the
// server refuses that, server/discover. No capability is declared, so that an
// honest server asks nothing of its client. A server that was greeted with
// initialize still waits for notifications/initialized.
func Greet(ctx context.Context, call Caller, version string, limit time.Duration) (Said, error) {
	name, err := json.Marshal(version)
	if err != nil {
		return Said{}, err
	}
	a, err := call(ctx, "initialize", fmt.Appendf(nil,
		`{"protocolVersion":%q,"capabilities":{},"clientInfo":{"name":"countersign","version":%s}}`, latest, name), limit)
	if err != nil {
		return Said{}, fmt.Errorf("initialize: %w", err)
	}
	if a.Problem == "" && a.Failed == "" {
		return said(a.Body, "initialize", "protocolVersion")
	}
	refused := errors.New(a.Problem + a.Failed)
	params, err := Stateless(nil, version)
	if err != nil {
		return Said{}, err
	}
	if a, err = call(ctx, "server/discover", params, limit); err != nil || a.Problem+a.Failed != "" {
		return Said{}, fmt.Errorf("initialize: %w", refused)
	}
	return said(a.Body, "server/discover", "supportedVersions")
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
