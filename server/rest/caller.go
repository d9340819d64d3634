package rest

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

// ByPasskey is the Method of what a passkey proved.
const ByPasskey = "passkey"

// sessionLife is how long after signing in a browser session lends a decision
// the assurance "session".
const sessionLife = 15 * time.Minute

// A Caller is who sent an HTTP request.
type Caller struct {
	countersign.Principal
	Auth AuthInfo
	// Credential is what proved it: "token", "session" or "hook".
	Credential string
}

// Identify returns who calls. A request that carries a bearer token is the
// token's alone: where the token opens nothing, a session beside it is not
// looked at.
func (d *Door) Identify(r *http.Request) (Caller, error) {
	if d.Authenticate != nil {
		p, auth, ok := d.Authenticate(r)
		if !ok {
			return Caller{}, unauthenticated("nobody is known here by what was sent")
		}
		if auth.Channel == "" {
			auth.Channel = "cli"
		}
		return d.active(r.Context(), Caller{p, auth, "hook"})
	}
	if header, ok := r.Header["Authorization"]; ok {
		return d.byToken(r.Context(), header)
	}
	if d.Sessions != nil {
		if p, auth, ok := d.Sessions(r); ok {
			if auth.Channel == "" {
				auth.Channel = "console"
			}
			if err := d.sameOrigin(r); err != nil {
				return Caller{}, err
			}
			return d.active(r.Context(), Caller{p, auth, "session"})
		}
	}
	return Caller{}, unauthenticated("nobody is signed in, and there is no bearer token")
}

func (d *Door) byToken(ctx context.Context, header []string) (Caller, error) {
	scheme, text, _ := strings.Cut(header[0], " ")
	if len(header) != 1 || !strings.EqualFold(scheme, "Bearer") {
		return Caller{}, unauthenticated("the Authorization header is not one Bearer token")
	}
	dir, err := d.directory(ctx)
	if err != nil {
		return Caller{}, err
	}
	found, err := token.Authenticate(dir, strings.TrimSpace(text), d.Now())
	if err != nil {
		return Caller{}, err
	}
	return Caller{found.Principal(), AuthInfo{Method: "token"}, "token"}, nil
}

// active refuses a person whom the directory does not know, or no longer.
func (d *Door) active(ctx context.Context, c Caller) (Caller, error) {
	if c.Kind != countersign.KindPerson {
		return c, nil
	}
	dir, err := d.directory(ctx)
	if err != nil {
		return Caller{}, err
	}
	p, ok := dir.People[c.ID]
	if !ok || p.Inactive {
		return Caller{}, unauthenticated("the session is of nobody who is active here")
	}
	c.Principal = p.Principal()
	return c, nil
}

// sameOrigin refuses what another site's page makes a browser send with the
// person's session.
func (d *Door) sameOrigin(r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if got := r.Header["Origin"]; d.Origin != "" && len(got) == 1 && got[0] == d.Origin {
		return nil
	}
	return &countersign.Error{
		Code: countersign.CodeForbidden, Detail: "the Origin of this is not the console's",
		Hint: "do it on the console's own page",
	}
}

// Assurance is what a decision made now has. What a session lends ends some
// time after its person signed in.
func (c Caller) Assurance(now time.Time) countersign.Assurance {
	age := now.Sub(c.Auth.AuthTime)
	if c.Auth.Assurance == countersign.Session && (c.Auth.AuthTime.IsZero() || age > sessionLife || age < -time.Minute) {
		return ""
	}
	return c.Auth.Assurance
}

// NeedConfirmed refuses whoever came with a passkey that nobody has said yet is
// theirs.
func (c Caller) NeedConfirmed() error {
	if !c.Auth.Pending {
		return nil
	}
	return &countersign.Error{
		Code: countersign.CodeAssuranceTooLow, Detail: "the passkey that you signed in with waits for a second person to confirm it",
		Hint: "sign in with one that counts, or have it confirmed; nothing was changed",
	}
}

// NeedFresh refuses whoever did not prove with a passkey that signs, a short while
// ago, that they are there: what a browser keeps longer is not enough to let
// others in.
func (c Caller) NeedFresh(now time.Time) error {
	if err := c.NeedConfirmed(); err != nil {
		return err
	}
	age := now.Sub(c.Auth.AuthTime)
	if c.Auth.Method == ByPasskey && age <= sessionLife && age > -time.Minute {
		return nil
	}
	return &countersign.Error{
		Code: countersign.CodeAssuranceTooLow, Detail: "this needs a sign-in with a passkey at most 15 min ago",
		Hint: "sign in again and do it then; nothing was changed",
	}
}

// Who is the caller as the record has it.
func (d *Door) Who(r *http.Request, c Caller) countersign.Who {
	return countersign.Who{Actor: c.Principal, Origin: d.From(r), AuthTime: c.Auth.AuthTime, Method: c.Auth.Method}
}

// From is where the HTTP request came from.
func (d *Door) From(r *http.Request) countersign.Origin {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	var remote net.Addr // nil may be anybody, such as over a Unix socket
	if p, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		remote = net.TCPAddrFromAddrPort(p)
	}
	return countersign.Origin{
		Door: d.Name, Peer: r.RemoteAddr, Client: claim(r.UserAgent()), Trace: traceID(r.Header.Get("Traceparent")),
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
