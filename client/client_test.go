package client_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/client"
)

func TestAnAddressIsAURLOrASocket(t *testing.T) {
	for _, bad := range []string{"", "gate.example", "ftp://gate.example", "http://", "/data/admin.sock"} {
		if _, err := client.New(bad, client.Config{}); err == nil {
			t.Errorf("address %q is taken", bad)
		}
	}
}

func TestAClientSpeaksOverAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(`{"id":"req_1","version":3,"a_member_of_later":1}`))
	})}}
	s.Start()
	defer s.Close()
	c, err := client.New("unix:"+path, client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Get(t.Context(), "req_1", 0, 0)
	if err != nil || r.ID != "req_1" || r.Version != 3 {
		t.Errorf("got %s version %d, %v; want req_1 version 3", r.ID, r.Version, err)
	}
}

func TestATokenGoesNowhereElse(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the client went on to another address with Authorization %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	c, err := client.New(s.URL, client.Config{Token: "cs_agt_x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Submit(t.Context(), client.Ask{}, time.Second); err == nil {
		t.Error("a redirect is taken for an answer")
	}
}

func TestWhatIsNoProblemDocumentIsSaidPlainly(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "<html>proxy</html>", http.StatusBadGateway)
	}))
	defer s.Close()
	c, err := client.New(s.URL, client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(t.Context(), "req_1", 0, 0)
	if _, ok := errors.AsType[*client.Problem](err); ok || err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("got %v, want an error with the status", err)
	}
}

func TestWaitsAreSentInWholeSecondsRoundedUp(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Prefer") + r.URL.RawQuery + r.Header.Get("Idempotency-Key")
		w.Write([]byte(`{}`))
	}))
	defer s.Close()
	c, err := client.New(s.URL, client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		call func() error
		want string
	}{
		{func() error { _, err := c.Submit(t.Context(), client.Ask{Key: "k"}, 1500*time.Millisecond); return err }, "wait=2k"},
		{func() error { _, err := c.Submit(t.Context(), client.Ask{}, 0); return err }, ""},
		{func() error { _, err := c.Run(t.Context(), "req_1", time.Minute); return err }, "wait=60"},
		{func() error { _, err := c.Get(t.Context(), "req_1", 4, time.Millisecond); return err }, "after=4&wait=1"},
		{func() error { _, err := c.Get(t.Context(), "req_1", 4, 0); return err }, ""},
	} {
		if err := tt.call(); err != nil || got != tt.want {
			t.Errorf("got %q, %v; want %q", got, err, tt.want)
		}
	}
}
