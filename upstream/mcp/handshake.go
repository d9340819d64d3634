package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign/internal/canon"
)

// initialize shakes hands with the server (lifecycle of protocol 2025-11-25). No
// capability is declared, so that an honest server asks nothing of its client.
func (s *session) initialize(ctx context.Context) error {
	version, err := json.Marshal(s.cfg.Version)
	if err != nil {
		return err
	}
	a, err := s.call(ctx, "initialize", fmt.Appendf(nil,
		`{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"countersign","version":%s}}`, version), s.cfg.StartTimeout)
	if err == nil && a.problem+a.failed != "" {
		err = errors.New(a.problem + a.failed)
	}
	if err != nil {
		return fmt.Errorf("initialize: %w", err)
	}
	if err := canon.Check(a.body); err != nil {
		return fmt.Errorf("initialize: %w", err)
	}
	revision, _ := canon.Member(a.body, "result", "protocolVersion")
	switch string(revision) {
	case `"2025-11-25"`, `"2025-06-18"`:
	default:
		return fmt.Errorf("initialize: the server speaks protocol %s; 2025-11-25 and 2025-06-18 are understood", quoteBrief(string(revision)))
	}
	if raw, ok := canon.Member(a.body, "result", "capabilities"); ok {
		s.capabilities = raw
	}
	if raw, ok := canon.Member(a.body, "result", "instructions"); ok && json.Unmarshal(raw, &s.instructions) != nil {
		return errors.New("initialize: the server's instructions are no text")
	}
	select {
	case s.outbox <- []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n"):
		return nil
	case <-s.over:
		return s.cause
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
