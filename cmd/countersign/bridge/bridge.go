// Package bridge lets an agent that speaks MCP over standard input and output
// reach a door: Run carries each line to the door over Streamable HTTP and each
// answer back, in the bytes that came. It decides nothing and keeps nothing: what
// is held is held by the gateway, and the same call joins it.
package bridge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/mcpfields"
)

// A Config says where the door is. URL and Token are needed.
type Config struct {
	// URL is the door's address: http://127.0.0.1:8481/mcp/files.
	URL string
	// Token is the agent's.
	Token string
	// UserAgent is how the bridge calls itself. Defaults to Go's.
	UserAgent string
	// Client sends. Defaults to one that follows no redirects.
	Client *http.Client
	// Outgoing sees each message of the agent, and returns what is sent in its place,
	// or else what the agent is answered at once. Nil: what came is sent.
	Outgoing func(message []byte) (send, answer []byte)
	// Incoming sees each message to the agent, and returns what it gets in its place.
	// Nil: it gets what came.
	Incoming func(message []byte) []byte
}

const (
	mostLine   = 4 << 20 // bytes of one message
	mostAnswer = 32 << 20
	mostCalls  = 64
)

// A bridge is one agent's connection.
type bridge struct {
	cfg   Config
	calls chan struct{} // one for each message under way

	writing sync.Mutex
	out     io.Writer

	mu       sync.Mutex
	session  string
	revision string // that was agreed on with initialize
	hello    []byte // the initialize that was sent, to begin anew after a restart
	waits    map[string]context.CancelFunc
	mirrors  map[string]mcpfields.Mirror // by tool, of the listings that went by
}

// Run carries messages until the input or the context ends.
func Run(ctx context.Context, cfg Config, in io.Reader, out io.Writer) error {
	if cfg.Client == nil {
		cfg.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	ctx, cancel := context.WithCancel(ctx)
	b := &bridge{cfg: cfg, out: out, calls: make(chan struct{}, mostCalls), waits: map[string]context.CancelFunc{}, mirrors: map[string]mcpfields.Mirror{}}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel() // nobody listens any more; what is held stays held
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, mostLine)
	for lines.Scan() {
		line := bytes.Clone(bytes.TrimSpace(lines.Bytes()))
		if len(line) == 0 {
			continue
		}
		if cfg.Outgoing != nil {
			var answer []byte
			if line, answer = cfg.Outgoing(line); answer != nil {
				b.write(answer)
				continue
			}
		}
		m, err := read(line)
		if err != nil {
			b.say(fault(nil, -32700, err.Error()))
			continue
		}
		b.take(ctx, m, &running)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the agent's messages: %w", err)
	}
	return ctx.Err()
}

// A message is one line of the agent.
type message struct {
	line, id, params []byte
	method           string
}

func read(line []byte) (message, error) {
	if err := canon.Check(line); err != nil {
		return message{}, fmt.Errorf("%w; send one JSON-RPC 2.0 message a line that can be read one way only", err)
	}
	m := message{line: line}
	m.id, _ = canon.Member(line, "id")
	m.params, _ = canon.Member(line, "params")
	raw, _ := canon.Member(line, "method")
	_ = json.Unmarshal(raw, &m.method) // a response has none
	return m, nil
}

// take sends a message on. What begins or ends something is sent before the next
// is read; calls go side by side.
func (b *bridge) take(ctx context.Context, m message, running *sync.WaitGroup) {
	switch {
	case m.method == "initialize", m.id == nil:
		if id, ok := canon.Member(m.params, "requestId"); ok && m.method == "notifications/cancelled" {
			b.mu.Lock()
			if stop, ok := b.waits[string(id)]; ok {
				defer stop() // after the door was told
			}
			b.mu.Unlock()
		}
		b.carry(ctx, m)
		return
	}
	select {
	case b.calls <- struct{}{}:
	default: // who waited here would hear no cancellation, nor the end of the input
		b.say(fault(m.id, -32603, fmt.Sprintf("%d calls are under way and this one was not sent; ask again once one of them was answered", mostCalls)))
		return
	}
	ctx, stop := context.WithCancel(ctx)
	b.mu.Lock()
	b.waits[string(m.id)] = stop
	b.mu.Unlock()
	running.Go(func() {
		defer func() {
			b.mu.Lock()
			delete(b.waits, string(m.id))
			b.mu.Unlock()
			stop()
			<-b.calls
		}()
		b.carry(ctx, m)
	})
}

// carry sends a message and hands on what comes back. A session that the gateway
// has forgotten, after a restart, is begun anew: nothing of the message was done.
func (b *bridge) carry(ctx context.Context, m message) {
	used, err := b.send(ctx, m, b.say)
	if errors.Is(err, errForgotten) && b.again(ctx, used) == nil {
		_, err = b.send(ctx, m, b.say)
	}
	if err != nil && m.id != nil && ctx.Err() == nil {
		b.say(fault(m.id, -32603, err.Error()))
	}
}

// say tells the agent one message.
func (b *bridge) say(message []byte) {
	if b.cfg.Incoming != nil {
		message = b.cfg.Incoming(message)
	}
	b.write(message)
}

// write writes one message as a line.
func (b *bridge) write(message []byte) {
	line := bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' { // between two tokens; within a string JSON has neither
			return ' '
		}
		return r
	}, message)
	b.writing.Lock()
	defer b.writing.Unlock()
	_, _ = b.out.Write(append(line, '\n')) // an agent that reads no more closes the input too
}

// fault is a JSON-RPC error of the bridge's own.
func fault(id []byte, code int, text string) []byte {
	if id == nil {
		id = []byte("null")
	}
	quoted, _ := json.Marshal(text) // a string always can be
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%s}}`, id, code, quoted)
}
