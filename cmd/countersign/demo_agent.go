package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/countersignhq/countersign/internal/canon"
)

// An mcpAgent is the demo's agent: a plain MCP client (protocol 2025-11-25) that
// knows an address and a token, and nothing of Countersign.
type mcpAgent struct {
	url, token, session string
	id                  int
}

// An answer is what a tool call came to.
type answer struct {
	Text    string
	IsError bool
	Pending bool
}

// connect opens the session.
func (m *mcpAgent) connect(ctx context.Context) error {
	_, err := m.send(ctx, "initialize", map[string]any{
		"protocolVersion": "2025-11-25", "capabilities": struct{}{},
		"clientInfo": map[string]string{"name": "demo-bot", "version": "1"},
	})
	return err
}

// call calls a tool until it has an answer: one that says "pending" is asked
// again, and joins what waits.
func (m *mcpAgent) call(ctx context.Context, tool, arguments string) (answer, error) {
	for {
		raw, err := m.send(ctx, "tools/call", map[string]any{"name": tool, "arguments": json.RawMessage(arguments)})
		if err != nil {
			return answer{}, err
		}
		a, err := readAnswer(raw)
		if err != nil || !a.Pending {
			return a, err
		}
	}
}

func readAnswer(raw []byte) (answer, error) {
	var r struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
		IsError           bool `json:"isError"`
		StructuredContent struct {
			Status string `json:"status"`
		} `json:"structuredContent"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	a := answer{IsError: r.IsError, Pending: r.StructuredContent.Status == "pending_approval"}
	for _, c := range r.Content {
		a.Text += c.Text
	}
	return a, nil
}

// send sends one request and returns its result.
func (m *mcpAgent) send(ctx context.Context, method string, params any) ([]byte, error) {
	m.id++
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": m.id, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+m.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("MCP-Protocol-Version", "2025-11-25")
	if m.session != "" {
		req.Header.Set("Mcp-Session-Id", m.session)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if id := res.Header.Get("Mcp-Session-Id"); id != "" {
		m.session = id
	}
	message, err := lastMessage(res)
	if err != nil {
		return nil, err
	}
	if result, ok := canon.Member(message, "result"); ok {
		return result, nil
	}
	return nil, fmt.Errorf("%s: %s: %s", method, res.Status, bytes.TrimSpace(message))
}

// lastMessage reads the response: one JSON document, or a stream of events whose
// last one is the answer.
func lastMessage(res *http.Response) ([]byte, error) {
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return io.ReadAll(res.Body)
	}
	var last []byte
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data:")); ok {
			last = bytes.Clone(bytes.TrimSpace(data))
		}
	}
	return last, lines.Err()
}
