package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// drainTime is how long a stopping server waits for what runs.
	drainTime = 20 * time.Second
	// lastWords is how long an answer that is being written may take after that.
	lastWords = 2 * time.Second
	maxHeader = 64 << 10
)

// A served is one address with what answers on it.
type served struct {
	*http.Server
	listener net.Listener
	name     string
	// stop ends everything that waits: it stays pending and the asker is told.
	stop context.CancelFunc
}

// serveOn makes the server of one address; serve starts it.
func (s *server) serveOn(l net.Listener, h http.Handler, name string) {
	waits, stop := context.WithCancel(context.Background())
	srv := &served{listener: l, name: name, stop: stop, Server: &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return waits },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}}
	s.servers = append(s.servers, srv)
	s.later(func(ctx context.Context) error {
		// Those who wait have been told that it is pending; what streams on is cut.
		last, cancel := context.WithTimeout(ctx, lastWords)
		defer cancel()
		err := srv.Shutdown(last)
		stop()
		if err != nil {
			err = srv.Shutdown(ctx)
		}
		return errors.Join(err, closed(l.Close()))
	})
}

// serve answers until the context ends or an address fails, and says when it
// begins to. close drains.
func (s *server) serve(ctx context.Context, ready func()) error {
	failures := make(chan error, len(s.servers))
	for _, srv := range s.servers {
		go func() {
			if err := srv.Serve(srv.listener); !errors.Is(err, http.ErrServerClosed) {
				failures <- fmt.Errorf("%s: %w", srv.name, err)
			}
		}()
	}
	keeping, stop := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() { s.gate.KeepTime(keeping); close(kept) }()
	asking := make(chan struct{})
	go func() { s.runChannels(keeping); close(asking) }()
	onDuty := make(chan struct{})
	go func() { s.duty.Keep(keeping); close(onDuty) }()
	s.later(func(context.Context) error { stop(); <-kept; <-asking; <-onDuty; return nil })
	ready()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failures:
		return err
	}
}

// ownHostsOnly refuses requests by a name that is not this server's: a web page
// that had its own name point here could otherwise read what is served. Probes
// come by address.
func (s *server) ownHostsOnly(next http.Handler) http.Handler {
	own := []string{"localhost", s.public.Hostname(), hostOf(s.cfg.Listen)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostOf(r.Host)
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz" ||
			r.URL.Path == metricsPath && s.metricsToken != "" // no page of another name has it
		if !probe && !slices.Contains(own, host) && !isLoopback(host) {
			http.Error(w, "this server is "+s.public.String(), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// byName sends whoever opens a page by a loopback address to localhost: a passkey
// needs a name.
func (s *server) byName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
		if page && isLoopback(hostOf(r.Host)) && s.public.Hostname() == "localhost" {
			http.Redirect(w, r, s.public.String()+r.URL.RequestURI(), http.StatusTemporaryRedirect)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf is a Host header, or an address, without its port.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return strings.ToLower(host)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// bearer is the token of a request, empty if it carries none.
func bearer(r *http.Request) string {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(r.Header.Values("Authorization")) != 1 {
		return ""
	}
	return strings.TrimSpace(text)
}
