package bridge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/mcpfields"
)

var (
	// errForgotten is a session that the gateway does not know any more.
	errForgotten = errors.New("the gateway no longer knows the session")
	// errCut is a connection that broke while a call was under way.
	errCut = errors.New("the gateway went away while this call was under way. If it was held, nothing has run, and the same call joins it; otherwise look at what happened before asking again")
)

// send posts a message and hands each message of the answer to hand. It returns
// the session that it was sent in.
func (b *bridge) send(ctx context.Context, m message, hand func([]byte)) (used string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.cfg.URL, bytes.NewReader(m.line))
	if err != nil {
		return "", err
	}
	used = b.header(r.Header, m)
	w, err := b.cfg.Client.Do(r)
	if err != nil {
		return used, fmt.Errorf("the gateway cannot be asked: %w", err)
	}
	defer w.Body.Close()
	kind, _, _ := mime.ParseMediaType(w.Header.Get("Content-Type"))
	switch {
	case w.StatusCode == http.StatusAccepted:
		return used, nil
	case w.StatusCode == http.StatusNotFound && used != "" && kind == "application/json":
		return used, errForgotten
	case kind == "text/event-stream":
		return used, b.stream(w, m, hand)
	}
	body, err := io.ReadAll(io.LimitReader(w.Body, mostAnswer))
	if err != nil {
		return used, errCut
	}
	if kind == "application/json" && json.Valid(body) {
		b.learn(m, body, w.Header)
		hand(body)
		return used, nil
	}
	var problem struct{ Detail, Hint string }
	if json.Unmarshal(body, &problem) == nil && problem.Detail != "" {
		return used, fmt.Errorf("%s; %s", problem.Detail, problem.Hint)
	}
	return used, fmt.Errorf("the gateway answered %s", w.Status)
}

// header writes what a message's request carries besides its body.
func (b *bridge) header(h http.Header, m message) (used string) {
	h.Set("Authorization", "Bearer "+b.cfg.Token)
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json, text/event-stream")
	if b.cfg.UserAgent != "" {
		h.Set("User-Agent", b.cfg.UserAgent)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	raw, modern := canon.Member(m.params, "_meta", "io.modelcontextprotocol/protocolVersion")
	if !modern {
		if b.session != "" && m.method != "initialize" {
			h.Set("Mcp-Session-Id", b.session)
			h.Set("Mcp-Protocol-Version", b.revision)
			used = b.session
		}
		return used
	}
	var revision string
	_ = json.Unmarshal(raw, &revision) // the door says what is wrong with it
	h.Set("Mcp-Protocol-Version", revision)
	h.Set("Mcp-Method", m.method)
	name, ok := mcpfields.Name(m.method, m.params)
	if !ok {
		return ""
	}
	h.Set("Mcp-Name", mcpfields.Encode(name))
	arguments, _ := canon.Member(m.params, "arguments")
	for field, path := range b.mirrors[name] {
		if value, ok := mcpfields.Value(arguments, path); ok && m.method == "tools/call" {
			h.Set(mcpfields.Param+field, mcpfields.Encode(value))
		}
	}
	return ""
}

// learn keeps what later messages need of an answer.
func (b *bridge) learn(m message, body []byte, h http.Header) {
	if canon.Check(body) != nil {
		return
	}
	result, ok := canon.Member(body, "result")
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case ok && m.method == "initialize":
		raw, _ := canon.Member(result, "protocolVersion")
		_ = json.Unmarshal(raw, &b.revision) // without one the door assumes an old one
		b.session, b.hello = h.Get("Mcp-Session-Id"), m.line
	case ok && m.method == "tools/list":
		for tool, mirror := range mcpfields.Listed(result) {
			b.mirrors[tool] = mirror
		}
	}
}

// stream hands on the events of an answer. One that ends without the response
// was cut off.
func (b *bridge) stream(w *http.Response, m message, hand func([]byte)) error {
	lines := bufio.NewScanner(w.Body)
	lines.Buffer(nil, mostAnswer)
	var data []byte
	for lines.Scan() {
		if part, ok := bytes.CutPrefix(lines.Bytes(), []byte("data:")); ok {
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, bytes.TrimPrefix(part, []byte(" "))...)
			continue
		}
		if len(lines.Bytes()) > 0 || data == nil {
			continue
		}
		event := data
		data = nil
		if !json.Valid(event) {
			return errors.New("the gateway sent an event that is no message")
		}
		id, _ := canon.Member(event, "id")
		_, request := canon.Member(event, "method")
		last := !request && bytes.Equal(id, m.id)
		if last {
			b.learn(m, event, w.Header)
		}
		hand(event)
		if last {
			return nil
		}
	}
	return errCut
}

// again begins the session anew, unless somebody else has done so meanwhile.
func (b *bridge) again(ctx context.Context, forgotten string) error {
	b.mu.Lock()
	hello, current := b.hello, b.session
	b.mu.Unlock()
	if current != forgotten {
		return nil
	}
	m, err := read(hello)
	if err != nil {
		return err
	}
	if _, err := b.send(ctx, m, func([]byte) {}); err != nil { // the agent had its answer
		return err
	}
	_, err = b.send(ctx, message{line: []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`), method: "notifications/initialized"}, func([]byte) {})
	return err
}
