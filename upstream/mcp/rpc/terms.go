package rpc

import (
	"log/slog"
	"time"
)

// Terms are what a session with a server is held to, whatever it is reached by.
// All are needed, but for OnToolsChanged and OnNotice.
type Terms struct {
	// Version is the gateway's own, as it is told to the server.
	Version string
	// StartTimeout is how long the server may take to get ready.
	StartTimeout time.Duration
	// MaxResult is the size of the largest answer, in bytes.
	MaxResult int
	// OnToolsChanged is called when the server says that its tools have changed,
	// never twice at once.
	OnToolsChanged func()
	// OnNotice is called with what the server says of what it offers. It must not
	// block.
	OnNotice func(Notice)
	// Log takes what a server says besides its answers, at debug.
	Log *slog.Logger
}
