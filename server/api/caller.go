package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/token"
	"github.com/countersignhq/countersign/internal/peer"
)

// AuthInfo tells how and when a caller proved who they are.
type AuthInfo struct {
	AuthTime time.Time
	// ExpiresAt is when a session ends; zero for what is none.
	ExpiresAt time.Time
	Method    string // "link", "passkey", "socket"
	// Solo is true for a session that a link of the operator opened and no
	// passkey vouches for.
	Solo bool
	// Pending is true for a session that a passkey opened which waits to be
	// confirmed.
	Pending bool
	// Assurance is the most that a decision of this caller can have.
	Assurance countersign.Assurance
	// Channel is where the decision is made. Defaults to "console" for a session
	// and to "cli" elsewhere.
	Channel string
}

// sessionLife is how long after signing in a browser session lends a decision
// the assurance "session".
const sessionLife = 15 * time.Minute

// A caller is who sent an HTTP request.
type caller struct {
	countersign.Principal
	auth AuthInfo
	// credential is what proved it: "token", "session" or "hook".
	credential string
}

// identify returns who calls. A request that carries a bearer token is the
// token's alone: where the token opens nothing, a session beside it is not
// looked at.
func (a *api) identify(r *http.Request) (caller, error) {
	if a.cfg.Authenticate != nil {
		p, auth, ok := a.cfg.Authenticate(r)
		if !ok {
			return caller{}, unauthenticated("nobody is known here by what was sent")
		}
		if auth.Channel == "" {
			auth.Channel = "cli"
		}
		return a.active(r.Context(), caller{p, auth, "hook"})
	}
	if header, ok := r.Header["Authorization"]; ok {
		return a.byToken(r.Context(), header)
	}
	if a.cfg.Sessions != nil {
		if p, auth, ok := a.cfg.Sessions(r); ok {
			if auth.Channel == "" {
				auth.Channel = "console"
			}
			if err := a.sameOrigin(r); err != nil {
				return caller{}, err
			}
			return a.active(r.Context(), caller{p, auth, "session"})
		}
	}
	return caller{}, unauthenticated("nobody is signed in, and there is no bearer token")
}

func (a *api) byToken(ctx context.Context, header []string) (caller, error) {
	scheme, text, _ := strings.Cut(header[0], " ")
	if len(header) != 1 || !strings.EqualFold(scheme, "Bearer") {
		return caller{}, unauthenticated("the Authorization header is not one Bearer token")
	}
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return caller{}, err
	}
	found, err := token.Authenticate(d, strings.TrimSpace(text), a.cfg.Now())
	if err != nil {
		return caller{}, err
	}
	return caller{found.Principal(), AuthInfo{Method: "token"}, "token"}, nil
}

// active refuses a person whom the directory does not know, or no longer.
func (a *api) active(ctx context.Context, c caller) (caller, error) {
	if c.Kind != countersign.KindPerson {
		return c, nil
	}
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return caller{}, err
	}
	p, ok := d.People[c.ID]
	if !ok || p.Inactive {
		return caller{}, unauthenticated("the session is of nobody who is active here")
	}
	c.Principal = p.Principal()
	return c, nil
}

// sameOrigin refuses what another site's page makes a browser send with the
// person's session.
func (a *api) sameOrigin(r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if got := r.Header["Origin"]; a.cfg.Origin != "" && len(got) == 1 && got[0] == a.cfg.Origin {
		return nil
	}
	return &countersign.Error{
		Code: countersign.CodeForbidden, Detail: "the Origin of this is not the console's",
		Hint: "do it on the console's own page",
	}
}

// assurance is what a decision made now has. What a session lends ends some
// time after its person signed in.
func (c caller) assurance(now time.Time) countersign.Assurance {
	age := now.Sub(c.auth.AuthTime)
	if c.auth.Assurance == countersign.Session && (c.auth.AuthTime.IsZero() || age > sessionLife || age < -time.Minute) {
		return ""
	}
	return c.auth.Assurance
}

// solo reports whether what the caller decides is on the word of one alone: a link
// of the operator opened the session, or nobody else has a passkey.
func (c caller) solo(d *countersign.Directory) bool { return c.auth.Solo || d.Enrolled() < 2 }

// who is the caller as the record has it.
func (a *api) who(r *http.Request, c caller) countersign.Who {
	return countersign.Who{Actor: c.Principal, Origin: a.origin(r), AuthTime: c.auth.AuthTime, Method: c.auth.Method}
}

// origin is where the HTTP request came from.
func (a *api) origin(r *http.Request) countersign.Origin {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	var remote net.Addr // nil may be anybody, such as over a Unix socket
	if p, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		remote = net.TCPAddrFromAddrPort(p)
	}
	return countersign.Origin{
		Door: a.cfg.Door, Peer: r.RemoteAddr, Client: claim(r.UserAgent()), Trace: traceID(r.Header.Get("Traceparent")),
		ServerAccount: peer.SameAccount(remote, local),
	}
}

// claim is what a client says of itself, cut to what is worth keeping.
func claim(s string) string {
	const most = 120
	clean := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if runes := []rune(clean); len(runes) > most {
		return string(runes[:most])
	}
	return clean
}

// traceID is the trace id of a W3C traceparent, empty if it is none.
func traceID(traceparent string) string {
	parts := strings.Split(traceparent, "-")
	if len(parts) < 4 || len(parts[1]) != 32 || strings.Trim(parts[1], "0123456789abcdef") != "" {
		return ""
	}
	return parts[1]
}

func unauthenticated(detail string) error {
	return &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: detail, Hint: "send Authorization: Bearer cs_agt_… or sign in"}
}
