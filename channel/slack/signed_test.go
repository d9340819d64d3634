package slack_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/channel/slack/blockkit"
	"github.com/countersignhq/countersign/channel/slack/slacktest"
)

func TestT13ARequestThatSlackDidNotSignNowIsRefused(t *testing.T) {
	s, c := workspace(t)
	desk := newNotes()
	handler, err := c.Handler(desk)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := posted(t, s, c, nil)
	press := s.Press("U0BOB", m, blockkit.ActionApprove, nil)
	now := time.Now()
	form := url.Values{"payload": {string(press.Payload)}}.Encode()
	signed := func(body, secret string, at time.Time) *http.Request {
		r := slacktest.Signed("http://gate.example/slack", []byte(body), secret, at)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	changed := func(change func(*http.Request)) *http.Request {
		r := signed(form, slacktest.SigningSecret, now)
		change(r)
		return r
	}
	for name, c := range map[string]struct {
		r    *http.Request
		want int
	}{
		"forged":                  {signed(form, "another secret", now), 401},
		"without a secret":        {signed(form, "", now), 401},
		"stale":                   {signed(form, slacktest.SigningSecret, now.Add(-6*time.Minute)), 401},
		"future":                  {signed(form, slacktest.SigningSecret, now.Add(6*time.Minute)), 401},
		"no signature":            {changed(func(r *http.Request) { r.Header.Del("X-Slack-Signature") }), 401},
		"no time":                 {changed(func(r *http.Request) { r.Header.Del("X-Slack-Request-Timestamp") }), 401},
		"another time":            {changed(func(r *http.Request) { r.Header.Set("X-Slack-Request-Timestamp", "1") }), 401},
		"not a time":              {changed(func(r *http.Request) { r.Header.Set("X-Slack-Request-Timestamp", "now") }), 401},
		"an older version":        {changed(func(r *http.Request) { r.Header.Set("X-Slack-Signature", "v1="+r.Header.Get("X-Slack-Signature")[3:]) }), 401},
		"body changed":            {changed(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(form + "&x=1")) }), 401},
		"ssl_check and a payload": {changed(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("ssl_check=1&" + form)) }), 401},
		"too large":               {signed("payload="+strings.Repeat("x", 300<<10), slacktest.SigningSecret, now), 413},
		"fetched":                 {httptest.NewRequest("GET", "http://gate.example/slack?"+form, nil), 405},
		"an envelope in a form":   {signed(`{"type":"interactive","envelope_id":"e","payload":{}}`, slacktest.SigningSecret, now), 400},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, c.r)
		if w.Code != c.want {
			t.Errorf("%s: got status %d, want %d", name, w.Code, c.want)
		}
	}
	if n := len(desk.deliveries()); n != 0 {
		t.Fatalf("%d of them were kept", n)
	}

	w := httptest.NewRecorder()
	r := press.Request("http://gate.example/slack?payload={}", now)
	handler.ServeHTTP(w, r)
	if got := desk.deliveries(); w.Code != 200 || len(got) != 1 || string(got[0].Body) != form {
		t.Errorf("a signed request: got status %d and %d deliveries, want 200 and its own body", w.Code, len(got))
	}
	for _, at := range []time.Time{now, now.Add(30 * time.Second)} { // replayed, and sent again by Slack
		w = httptest.NewRecorder()
		handler.ServeHTTP(w, press.Request("http://gate.example/slack", at))
		if got := desk.deliveries(); w.Code != 200 || len(got) != 1 {
			t.Errorf("the same again: got status %d and %d deliveries, want 200 and one", w.Code, len(got))
		}
	}
	desk.broken = errors.New("the disk is full")
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, s.Type("U0BOB", "help").Request("http://gate.example/slack", now))
	if w.Code != 503 {
		t.Errorf("what cannot be kept: got status %d, want 503", w.Code)
	}
}

func TestTheAddressIsVerifiedForSlackAlone(t *testing.T) {
	_, c := workspace(t)
	handler, err := c.Handler(newNotes())
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]string{slacktest.SigningSecret: "3eZbrw", "guess": ""} {
		r := slacktest.Signed("http://gate.example/slack", []byte(`{"type":"url_verification","challenge":"3eZbrw"}`), secret, time.Now())
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if got := w.Body.String(); want != "" && got != want || want == "" && w.Code != 401 {
			t.Errorf("secret %q: got %d %q, want %q", secret, w.Code, got, want)
		}
	}
}

// A timed writer notes what deadline stands while the body is read.
type timed struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (w *timed) SetReadDeadline(at time.Time) error { w.deadline = at; return nil }

func TestABodyThatNobodySignedMayNotTakeForever(t *testing.T) {
	_, c := workspace(t)
	handler, err := c.Handler(newNotes())
	if err != nil {
		t.Fatal(err)
	}
	w := &timed{ResponseRecorder: httptest.NewRecorder()}
	var during time.Time
	trickle := readerFunc(func([]byte) (int, error) {
		during = w.deadline
		return 0, os.ErrDeadlineExceeded
	})
	handler.ServeHTTP(w, httptest.NewRequest("POST", "http://gate.example/slack", trickle))
	if during.IsZero() || !w.deadline.IsZero() || w.Code != http.StatusRequestTimeout {
		t.Errorf("the body is read until %s, the next until %s, and got status %d; want a deadline, none and 408", during, w.deadline, w.Code)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
