package mcp

import (
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/confine"
	"github.com/countersignhq/countersign/upstream/mcp/rpc"
	"github.com/countersignhq/countersign/upstream/oauth"
)

// Config says how to reach a server and whom to believe. Name, Trust, and either
// Command or URL are needed; the zero value of everything else works.
type Config struct {
	// Name is the name of the resource, "mcp/files": what releases call the
	// executor.
	Name string
	// Command, Dir, Env, User, Private and UnsafeSameUser are those of
	// confine.Program. Private is the data folder, and what else the server must
	// not reach.
	Command        []string
	Dir            string
	Env            map[string]string
	User           string
	Private        []string
	UnsafeSameUser bool

	// URL is the server's address where it is reached over Streamable HTTP, http or
	// https. An address that is link-local, or where clouds hand out credentials, is
	// dialled only if the URL holds the address itself.
	URL string
	// Header are the fields that every request to URL carries, such as the
	// credential in Authorization. They go to no other origin.
	Header map[string]string
	// OAuth has each request to URL carry a token that the gateway asks for. Nil is
	// none.
	OAuth *oauth.Config
	// TLS is for servers whose certificates the system does not know. Defaults to
	// the system's trust.
	TLS *tls.Config

	// Trust is the pinned key of the log that releases must be proven in.
	Trust ledger.Trust
	// Target is what the gateway calls this server, where the gateway does not start
	// it itself. Defaults to the digest of the rest (package func Target).
	Target countersign.Digest
	// Version is the gateway's own, as it is told to the server.
	Version string

	// CallTimeout is how long one answer may take. Defaults to 5 minutes.
	CallTimeout time.Duration
	// StartTimeout is how long the server may take to get ready. Defaults to 30
	// seconds.
	StartTimeout time.Duration
	// MaxResult is the size of the largest answer, in bytes. Defaults to 16 MiB.
	MaxResult int
	// MaxInFlight is how many calls wait for the server at once; more wait for
	// their turn. Defaults to 64.
	MaxInFlight int

	// Idle is how long a server with sessions over HTTP may be silent before it is
	// asked whether it still knows the session, so that a command does not find out.
	// Defaults to 10 seconds.
	Idle time.Duration

	// OnToolsChanged is called when the server says that its tools have changed,
	// in a goroutine of its own, never twice at once, and where the server says so
	// again and again, in growing intervals of up to a minute. Defaults to nothing.
	OnToolsChanged func()
	// OnStart is told of each start of the server, with the error of one that failed.
	// It must not block. Defaults to nothing.
	OnStart func(error)
	// OnNotice is called with what the server says unasked of what it offers: the
	// method, notifications/…/list_changed or notifications/resources/updated, and
	// the params in the server's bytes. It must not block. Defaults to nothing.
	OnNotice func(method string, params []byte)
	// Now is the clock of permits and outcomes. Defaults to time.Now.
	Now func() time.Time
	// Log takes, at debug, what a server says that is no message. Defaults to nothing.
	Log *slog.Logger
	// LogStderr has Log take the lines of a child's standard error too, at info: the
	// first 1 KiB of each, 100 a minute. A server may write payloads there.
	LogStderr bool
}

func (c *Config) defaults() {
	if c.CallTimeout <= 0 {
		c.CallTimeout = 5 * time.Minute
	}
	if c.StartTimeout <= 0 {
		c.StartTimeout = 30 * time.Second
	}
	if c.MaxResult <= 0 {
		c.MaxResult = 16 << 20
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 64
	}
	if c.Idle <= 0 {
		c.Idle = 10 * time.Second
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.OnStart == nil {
		c.OnStart = func(error) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("resource", c.Name)
}

func (c *Config) program() confine.Program {
	return confine.Program{
		Command: c.Command, Dir: c.Dir, Env: c.Env, User: c.User,
		Private: c.Private, UnsafeSameUser: c.UnsafeSameUser,
	}
}

func (c *Config) terms() rpc.Terms {
	notice := func(rpc.Notice) {}
	if c.OnNotice != nil {
		notice = func(n rpc.Notice) { c.OnNotice(n.Method, n.Params) }
	}
	return rpc.Terms{Version: c.Version, StartTimeout: c.StartTimeout, MaxResult: c.MaxResult, OnNotice: notice, Log: c.Log}
}
