package main

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/problem"
)

// unclaimed reports whether nobody has taken the server over with a passkey. The
// demo is nobody's, and where no passkey works there is nothing to take over with.
func (s *server) unclaimed(ctx context.Context) (bool, error) {
	if s.opt.demo || s.passkeys == nil {
		return false, nil
	}
	d, err := s.gate.Directory(ctx)
	return err == nil && d.Enrolled() == 0, err
}

// claimedFirst keeps everybody who is not on this machine out until somebody has
// taken the server over: a stranger must not even watch. With claimOverHTTPS the
// claim itself, and nothing else, may come from elsewhere over TLS.
func (s *server) claimedFirst(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		if probe || fromThisMachine(r) {
			next.ServeHTTP(w, r)
			return
		}
		open, err := s.unclaimed(r.Context())
		if err == nil && (!open || s.opt.claimOverHTTPS && overTLS(r) && isClaim(r)) {
			next.ServeHTTP(w, r)
			return
		}
		if err == nil {
			err = &countersign.Error{
				Code: countersign.CodeForbidden, Detail: "nobody has taken this server over yet, and that is done on its own machine",
				Hint: "open there the setup link that countersign up printed, or start it with --claim-over-https",
			}
		}
		problem.Write(w, err, "")
	})
}

// fromThisMachine reports whether the request was made here, and by no proxy for
// somebody elsewhere.
func fromThisMachine(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && isLoopback(host)
}

func overTLS(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// isClaim reports whether the request belongs to the page that a setup link opens.
func isClaim(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return r.URL.Path == "/setup" || r.URL.Path == "/v1/me" ||
			strings.HasPrefix(r.URL.Path, "/static/") || strings.HasPrefix(r.URL.Path, "/console/")
	case http.MethodPost:
		return slices.Contains([]string{"/v1/passkeys/challenge", "/v1/passkeys"}, r.URL.Path)
	}
	return false
}

// claim prints the setup link of a server that nobody has taken over, on the
// terminal and nowhere else.
func (t *terminal) claim(ctx context.Context, s *server) error {
	open, err := s.unclaimed(ctx)
	if err != nil || !open {
		return err
	}
	secret, err := s.desk.NewSetup(ctx)
	if err != nil {
		return err
	}
	t.say("  Nobody has taken this server over yet. Whoever opens this link first does, with a passkey;")
	t.say("  it works once, and for 30 minutes:")
	t.say("")
	t.say("    %s/setup#%s", s.public, secret)
	t.say("")
	if _, port, err := net.SplitHostPort(s.listener.Addr().String()); err == nil && t.headless() && s.public.Hostname() == "localhost" {
		t.say("  There is no browser here. On a machine that has one, run this first:")
		t.say("")
		t.say("    ssh -L %s:localhost:%s USER@THIS-MACHINE", s.public.Port(), port)
		t.say("")
	}
	if host := hostOf(s.cfg.Listen); !isLoopback(host) && host != "localhost" && !s.opt.claimOverHTTPS {
		t.say("  Until then nobody elsewhere is served; --claim-over-https lets the link be opened from elsewhere.")
		t.say("")
	}
	return nil
}

// headless reports whether whoever sits here has no browser on this machine.
func (t *terminal) headless() bool {
	return t.get("SSH_CONNECTION") != "" || (t.get("DISPLAY") == "" && t.get("WAYLAND_DISPLAY") == "")
}
