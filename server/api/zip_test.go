package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"

	"github.com/countersignhq/countersign/client"
)

func (w *world) asGzip(as, method, path, body string) (http.Header, []byte) {
	w.t.Helper()
	resp := w.open(w.t.Context(), call{as: as, method: method, path: path, body: body, header: http.Header{"Accept-Encoding": {"br, gzip"}}})
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return resp.Header, b
}

func TestTheListsAreCompressedAndNothingElseIs(t *testing.T) {
	w := newWorld(t)
	var one client.Request
	for range 20 {
		one = w.held()
	}
	w.decide(bob, one, "reject").wants(t, http.StatusCreated, "")
	for _, path := range []string{"/v1/inbox", "/v1/history"} {
		whole := w.send(call{as: bob, method: "GET", path: path, header: http.Header{"Accept-Encoding": {"identity"}}})
		h, small := w.asGzip(bob, "GET", path, "")
		if got := h.Get("Content-Encoding"); got != "gzip" {
			t.Fatalf("%s: got the encoding %q, want gzip", path, got)
		}
		z, err := gzip.NewReader(bytes.NewReader(small))
		must(t, err)
		plain, err := io.ReadAll(z)
		must(t, err)
		if path == "/v1/history" && !bytes.Equal(bytes.TrimSpace(plain), bytes.TrimSpace(whole.body)) {
			t.Errorf("%s: what is compressed is not what is not", path)
		}
		if path == "/v1/inbox" && len(small)*4 > len(whole.body) {
			t.Errorf("%s: got %d bytes of %d, want a quarter at most", path, len(small), len(whole.body))
		}
	}
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/v1/links", `{"chat":"slack"}`}, {"GET", "/v1/me", ""}, {"GET", "/v1/requests/" + one.ID + "/brief", ""},
		{"GET", "/v1/requests/" + one.ID + "/receipt", ""}, {"POST", "/v1/session/challenge", ""}, {"GET", "/v1/links", ""},
	} {
		if h, _ := w.asGzip(bob, c.method, c.path, c.body); h.Get("Content-Encoding") != "" {
			t.Errorf("%s %s is compressed, and may hold a secret", c.method, c.path)
		}
	}
}
