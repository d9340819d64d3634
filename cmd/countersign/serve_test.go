package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/countersignhq/countersign/config"
)

func TestPagesAreOpenedByName(t *testing.T) {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	const html, pass = "text/html,application/xhtml+xml", http.StatusTeapot
	tests := []struct {
		public, method, target, host, accept string
		want                                 int
		to                                   string
	}{
		{"http://localhost:8480", "GET", "/r/req_1?a=b", "127.0.0.1:8480", html, 307, "http://localhost:8480/r/req_1?a=b"},
		{"http://localhost:8480", "GET", "/", "[::1]:8480", html, 307, "http://localhost:8480/"},
		{"http://localhost:8480", "GET", "/", "localhost:8480", html, pass, ""},
		{"http://localhost:8480", "GET", "/v1/requests", "127.0.0.1:8480", "*/*", pass, ""},
		{"http://localhost:8480", "POST", "/signin", "127.0.0.1:8480", html, pass, ""},
		{"https://cs.example", "GET", "/", "127.0.0.1:8480", html, pass, ""},
		{"https://cs.example", "GET", "/", "cs.example", html, pass, ""},
		// A page elsewhere that had its own name point here reads nothing.
		{"https://cs.example", "GET", "/", "evil.example", html, http.StatusMisdirectedRequest, ""},
		{"http://localhost:8480", "GET", "/v1/requests", "evil.example:8480", "*/*", http.StatusMisdirectedRequest, ""},
		{"http://localhost:8480", "GET", "/readyz", "10.0.0.7:8480", "*/*", pass, ""},
	}
	for _, tt := range tests {
		public, err := url.Parse(tt.public)
		if err != nil {
			t.Fatal(err)
		}
		s := &server{public: public, cfg: config.Defaults("/x")}
		r := httptest.NewRequest(tt.method, tt.target, nil)
		r.Host = tt.host
		r.Header.Set("Accept", tt.accept)
		w := httptest.NewRecorder()
		s.ownHostsOnly(s.byName(inner)).ServeHTTP(w, r)
		if w.Code != tt.want || w.Header().Get("Location") != tt.to {
			t.Errorf("%s %s at %s of %s: got %d to %q, want %d to %q", tt.method, tt.target, tt.host, tt.public, w.Code, w.Header().Get("Location"), tt.want, tt.to)
		}
	}
}

func TestOneBearerTokenIsRead(t *testing.T) {
	for header, want := range map[string]string{"Bearer abc": "abc", "bearer abc ": "abc", "Basic abc": "", "abc": "", "": ""} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		if got := bearer(r); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Authorization"] = []string{"Bearer a", "Bearer b"}
	if got := bearer(r); got != "" {
		t.Errorf("two headers: got %q, want neither", got)
	}
}
