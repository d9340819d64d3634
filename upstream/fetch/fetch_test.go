package fetch_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/upstream/fetch"
)

func TestADocumentIsReadAndNothingElse(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("BEGIN:VCALENDAR")) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, fetch.Most+1)) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.Write([]byte("BEGIN"))
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	if b, err := fetch.Get(t.Context(), s.URL+"/ok"); err != nil || string(b) != "BEGIN:VCALENDAR" {
		t.Errorf("got %q, %v", b, err)
	}
	for path, want := range map[string]string{
		"/away": "redirects are not followed", "/big": "more than 1048576 bytes", "/nowhere": "it answers 404", "/broken": "broke off",
	} {
		if b, err := fetch.Get(t.Context(), s.URL+path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %d bytes, %v; want an error that says %q", path, len(b), err, want)
		}
	}
}

func TestAnAddressIsASecretAndIsRefusedWhereNobodyShouldBeAsked(t *testing.T) {
	for address, want := range map[string]string{
		"http://calendar.example/secret-token.ics": "its scheme is not https",
		"ftp://calendar.example/secret-token.ics":  "its scheme is not https",
		"secret-token":                        "it is no address",
		"http://127.0.0.1:1/secret-token.ics": "it does not answer",
	} {
		_, err := fetch.Get(t.Context(), address)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret-token") {
			t.Errorf("%s: got %v, want an error that says %q and not the address", address, err, want)
		}
	}
}
