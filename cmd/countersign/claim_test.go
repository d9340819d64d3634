package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
)

// unclaimedServer is one that nobody has taken over, built and not served.
func unclaimedServer(t *testing.T, opt options) *server {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Defaults(dir)
	cfg.Listen, cfg.Doors, cfg.Data = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(dir, "d")
	cfg.Keys = config.Keys{Log: filepath.Join(cfg.Data, "log.key"), Vault: filepath.Join(cfg.Data, "vault.key"), Pin: filepath.Join(cfg.Data, "log.pin")}
	s, err := build(t.Context(), cfg, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// visit is the status of a request from the peer.
func visit(s *server, method, path, peer string, headers map[string]string) int {
	r := httptest.NewRequest(method, path, strings.NewReader(""))
	r.Host, r.RemoteAddr = s.public.Host, peer
	r.Header.Set("Origin", s.public.String())
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	w := httptest.NewRecorder()
	s.people().ServeHTTP(w, r)
	return w.Code
}

const (
	here      = "127.0.0.1:5000"
	elsewhere = "192.0.2.7:5000"
)

// enrolSomebody takes the server over behind its back.
func enrolSomebody(t *testing.T, s *server) {
	t.Helper()
	who := countersign.Who{Actor: countersign.Operator()}
	p, err := s.gate.SetPerson(t.Context(), who, countersign.Person{ID: countersign.NewID("per"), Name: "Ada", Issuer: "local", Subject: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.gate.Enrol(t.Context(), who, someCredential(p.ID)); err != nil {
		t.Fatal(err)
	}
}

// someCredential is a passkey with a fixed P-256 key (RFC 9052, section 7).
func someCredential(person string) countersign.Credential {
	x := []byte{0x65, 0xed, 0xa5, 0xa1, 0x25, 0x77, 0xc2, 0xba, 0xe8, 0x29, 0x43, 0x7f, 0xe3, 0x38, 0x70, 0x1a, 0x10, 0xaa, 0xa3, 0x75, 0xe1, 0xbb, 0x5b, 0x5d, 0xe1, 0x08, 0xde, 0x43, 0x9c, 0x08, 0x55, 0x1d}
	y := []byte{0x1e, 0x52, 0xed, 0x75, 0x70, 0x11, 0x63, 0xf7, 0xf9, 0xe4, 0x0d, 0xdf, 0x9f, 0x34, 0x1b, 0x3d, 0xc9, 0xba, 0x86, 0x0a, 0xf7, 0xe0, 0xca, 0x7c, 0xa7, 0xe9, 0xee, 0xcd, 0x00, 0x84, 0xd1, 0x9c}
	key := append([]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, x...)
	key = append(append(key, 0x22, 0x58, 0x20), y...)
	return countersign.Credential{ID: "AQID", Person: person, Name: "MacBook", Key: key, RPID: "localhost", Origin: "http://localhost", VouchedBy: []string{"operator"}}
}

func TestNobodyElsewhereIsServedUntilSomebodyHere(t *testing.T) {
	s := unclaimedServer(t, options{})
	paths := []string{"/", "/setup", "/signin", "/v1/me", "/v1/openapi.yaml", "/log/checkpoint", "/static/tokens.css"}
	for _, path := range paths {
		if got := visit(s, "GET", path, elsewhere, nil); got != http.StatusForbidden {
			t.Errorf("GET %s from elsewhere: got %d, want 403", path, got)
		}
		if got := visit(s, "GET", path, here, nil); got == http.StatusForbidden {
			t.Errorf("GET %s from here: got 403, want it served", path)
		}
		if got := visit(s, "GET", path, here, map[string]string{"X-Forwarded-For": "192.0.2.7"}); got != http.StatusForbidden {
			t.Errorf("GET %s through a proxy here: got %d, want 403", path, got)
		}
	}
	if got := visit(s, "POST", "/v1/passkeys/challenge", elsewhere, map[string]string{"X-Forwarded-Proto": "https"}); got != http.StatusForbidden {
		t.Errorf("a claim from elsewhere: got %d, want 403", got)
	}
	if got := visit(s, "GET", "/healthz", elsewhere, nil); got == http.StatusForbidden {
		t.Error("a probe from elsewhere is refused, want it answered")
	}
	enrolSomebody(t, s)
	if got := visit(s, "GET", "/v1/openapi.yaml", elsewhere, nil); got != http.StatusOK {
		t.Errorf("from elsewhere, once it is taken over: got %d, want 200", got)
	}
}

func TestOverHTTPSTheClaimAloneComesFromElsewhere(t *testing.T) {
	s := unclaimedServer(t, options{claimOverHTTPS: true})
	tls := map[string]string{"X-Forwarded-Proto": "https"}
	for _, c := range []struct {
		method, path string
		headers      map[string]string
		served       bool
	}{
		{"POST", "/v1/passkeys/challenge", tls, true},
		{"POST", "/v1/passkeys", tls, true},
		{"GET", "/setup", tls, true},
		{"POST", "/v1/passkeys/challenge", nil, false},
		{"POST", "/v1/session/challenge", tls, false},
		{"GET", "/signin", tls, false},
		{"GET", "/v1/openapi.yaml", tls, false},
	} {
		got := visit(s, c.method, c.path, elsewhere, c.headers)
		problem := got == http.StatusForbidden
		if c.path == "/v1/passkeys" {
			problem = got == http.StatusForbidden && c.headers == nil // it refuses an empty ceremony with 403 too
		}
		if problem == c.served {
			t.Errorf("%s %s with %v: got %d, want it served: %v", c.method, c.path, c.headers, got, c.served)
		}
	}
}

func TestUpPrintsASetupLinkUntilSomebodyUsedOne(t *testing.T) {
	s := unclaimedServer(t, options{})
	link := regexp.MustCompile(`http://localhost:\d+/setup#([A-Z2-7]{52})`)
	said := func(env map[string]string) string {
		var out, err bytes.Buffer
		term := newTerminal(strings.NewReader(""), &out, &err, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if e := term.claim(t.Context(), s); e != nil {
			t.Fatal(e)
		}
		if out.Len() > 0 {
			t.Errorf("stdout has %q, want nothing", &out)
		}
		return err.String()
	}
	first := link.FindStringSubmatch(said(map[string]string{"DISPLAY": ":0"}))
	if first == nil {
		t.Fatal("there is no setup link")
	}
	text := said(map[string]string{"DISPLAY": ":0", "SSH_CONNECTION": "192.0.2.7 5000 192.0.2.8 22"})
	second := link.FindStringSubmatch(text)
	if second == nil || second[1] == first[1] || !strings.Contains(text, "ssh -L") {
		t.Errorf("over ssh it says %q; want another link, and how to reach it", text)
	}
	if _, err := s.desk.Look(t.Context(), first[1]); err == nil {
		t.Error("the first link still opens, want one at a time")
	}
	if text := said(map[string]string{"DISPLAY": ":0"}); strings.Contains(text, "ssh -L") {
		t.Errorf("with a display it says %q, want no ssh", text)
	}
	enrolSomebody(t, s)
	if text := said(nil); text != "" {
		t.Errorf("taken over, it says %q; want nothing", text)
	}
}
