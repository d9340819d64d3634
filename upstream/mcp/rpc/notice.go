package rpc

import (
	"strconv"
	"time"

	"github.com/countersignhq/countersign/internal/canon"
)

// An Ask is one request as a session sends it.
type Ask struct {
	Method string
	Params []byte
	// Limit is how long its answer may take.
	Limit time.Duration
	// Listener hears what the server says while it works on it; nil hears nothing.
	Listener Listener
}

// A Listener is there while its command runs. It is called from one goroutine at
// a time and must not block.
type Listener interface {
	// HearsProgress reports whether the server is to tell of its progress.
	HearsProgress() bool
	// Hear takes a notification about the command, its params in the server's
	// bytes: notifications/progress, with a token that is the connection's, or
	// notifications/message.
	Hear(method string, params []byte)
}

// mostNotice is how many bytes the params of a notification may have.
const mostNotice = 16 << 10

// The notifications that are handed on, and those that belong to one call.
const (
	progress = `"notifications/progress"`
	message  = `"notifications/message"`
)

// Tell gives the listener of the call with the id what the message says of it,
// nil for one that came on no call's own stream. It reports whether there was
// such a thing.
func (m Message) Tell(l Listener, id int64) bool {
	if l == nil || !m.unasked() {
		return false
	}
	switch string(m.Method) {
	case progress:
		if of, ok := m.Progress(); !ok || of != id {
			return false
		}
		l.Hear("notifications/progress", m.Params)
	case message:
		l.Hear("notifications/message", m.Params)
	default:
		return false
	}
	return true
}

// Progress returns the id of the call whose progress the message tells.
func (m Message) Progress() (int64, bool) {
	if !m.unasked() || string(m.Method) != progress {
		return 0, false
	}
	token, _ := canon.Member(m.Params, "progressToken")
	id, err := strconv.ParseInt(string(token), 10, 64)
	return id, err == nil
}

// unasked reports whether the message is a notification that can be handed on.
func (m Message) unasked() bool {
	return m.ID == nil && m.Method != nil && len(m.Params) <= mostNotice && (m.Params == nil || canon.Check(m.Params) == nil && m.Params[0] == '{')
}

// ToolsChanged is the method of a notice after which the tools are listed again.
const ToolsChanged = "notifications/tools/list_changed"

// A Notice is what a server says unasked of what it offers.
type Notice struct {
	Method string
	Params []byte
}

// Notice returns what the message says of what the server offers, false if it is
// no such notification: that a list has changed, or a resource that somebody has
// subscribed to.
func (m Message) Notice() (Notice, bool) {
	if !m.unasked() {
		return Notice{}, false
	}
	switch string(m.Method) {
	case `"` + ToolsChanged + `"`, `"notifications/prompts/list_changed"`,
		`"notifications/resources/list_changed"`, `"notifications/resources/updated"`:
		return Notice{string(m.Method[1 : len(m.Method)-1]), m.Params}, true
	}
	return Notice{}, false
}
