package mcp

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/countersignhq/countersign/internal/canon"
)

// Sizes of what an upstream may say while a command runs.
const (
	mostProgress = 16        // notifications that wait to be passed on; more are lost
	mostLogs     = 256       // log messages of one command
	mostLogBytes = 256 << 10 // and their bytes
)

// heard takes a command's result, and what its upstream says meanwhile. Progress
// is for at once. Log messages may hold what the result holds, and like it are
// given out once the outcome is on record.
type heard struct {
	bytes.Buffer
	wantsProgress, wantsLogs bool
	progress                 chan []byte

	mu   sync.Mutex
	logs [][]byte
	size int
}

func (c *call) heard() *heard {
	return &heard{wantsProgress: c.token != nil, wantsLogs: c.logs, progress: make(chan []byte, mostProgress)}
}

// HearsProgress implements gate.Listener.
func (h *heard) HearsProgress() bool { return h.wantsProgress }

// Hear implements gate.Listener.
func (h *heard) Hear(method string, params []byte) {
	switch {
	case method == "notifications/progress" && h.wantsProgress:
		select {
		case h.progress <- params:
		default:
		}
	case method == "notifications/message" && h.wantsLogs:
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.size += len(params); h.size <= mostLogBytes && len(h.logs) < mostLogs {
			h.logs = append(h.logs, params)
		}
	}
}

// relay passes on what the upstream says of its progress, in its own bytes but
// for the token, which is the client's. Its numbers go on from the steps that the
// client was told while the call was held: they always rise (MCP 2025-11-25,
// progress).
func (d *door) relay(c *call, params []byte) {
	value, _ := canon.Member(params, "progress")
	at, err := strconv.ParseFloat(string(value), 64)
	if err != nil {
		return
	}
	if c.told == nil {
		c.base = c.steps
	}
	if at += float64(c.base); c.told != nil && at <= *c.told {
		return
	}
	if c.reply.begin(); !c.reply.streaming {
		return
	}
	if params, err = replaced(params, "progressToken", c.token); err != nil {
		return
	}
	for _, name := range []string{"progress", "total"} {
		raw, ok := canon.Member(params, name)
		n, err := strconv.ParseFloat(string(raw), 64)
		if !ok || err != nil || c.base == 0 {
			continue
		}
		if params, err = replaced(params, name, strconv.AppendFloat(nil, n+float64(c.base), 'f', -1, 64)); err != nil {
			return
		}
	}
	c.told = &at
	c.reply.event(notification("notifications/progress", params))
}

// replaced is a checked object with another value of one member.
func replaced(object []byte, name string, value []byte) ([]byte, error) {
	from, to, err := find(object, name)
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{object[:from], value, object[to:]}, nil), nil
}

// heardOut gives out what the upstream said and the client has not been told, once
// the outcome is on record.
func (d *door) heardOut(live context.Context, c *call, h *heard) {
	for range len(h.progress) {
		d.relay(c, <-h.progress)
	}
	h.mu.Lock()
	logs := h.logs
	h.mu.Unlock()
	if len(logs) == 0 || live.Err() != nil {
		return
	}
	if c.reply.begin(); !c.reply.streaming {
		return
	}
	for _, params := range logs {
		c.reply.event(notification("notifications/message", params))
	}
}

// notification is one message that wants no answer.
func notification(method string, params []byte) []byte {
	if params == nil {
		return fmt.Appendf(nil, `{"jsonrpc":"2.0","method":%q}`, method)
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","method":%q,"params":%s}`, method, params)
}
