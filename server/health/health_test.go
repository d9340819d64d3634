package health_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/health"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type world struct {
	store *memory.Store
	now   time.Time
	cfg   health.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	private, vkey, err := ledger.NewKey("test.example/log")
	must(t, err)
	signer, err := ledger.NewSigner(private)
	must(t, err)
	verifier, err := ledger.NewVerifier(vkey)
	must(t, err)
	w := &world{now: start}
	w.store, err = memory.New(memory.Config{Origin: "test.example/log", Signer: signer, Now: func() time.Time { return w.now }})
	must(t, err)
	w.cfg = health.Config{
		Data: t.TempDir(), Now: func() time.Time { return w.now },
		Trust: ledger.Trust{Origin: "test.example/log", Keys: note.VerifierList(verifier)},
	}
	e, err := ledger.Encode(countersign.Event{
		Request: countersign.GroupID("dba"), Version: 1, Who: countersign.Who{Actor: countersign.Operator()},
		Body: countersign.GroupChanged{Group: countersign.Group{Name: "dba"}},
	})
	must(t, err)
	_, err = w.store.Commit(t.Context(), store.Change{Events: []ledger.Event{e}})
	must(t, err)
	return w
}

func ask(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	got := httptest.NewRecorder()
	h.ServeHTTP(got, httptest.NewRequest("GET", path, nil))
	b, err := io.ReadAll(got.Body)
	must(t, err)
	return got.Code, string(b)
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	tests := []struct {
		name   string
		damage func(*world)
		failed string // the checks, in the order of the alphabet
	}{
		{"nothing", func(*world) {}, ""},
		{"the store is down", func(w *world) { w.store.Faults().Crash(errors.New("disk on fire")) }, "clock head write"},
		{"another log's key", func(w *world) { w.cfg.Trust.Origin = "other.example/log" }, "head"},
		{"the clock went back", func(w *world) { w.now = start.Add(-61 * time.Second) }, "clock"},
		{"the clock went back a little", func(w *world) { w.now = start.Add(-59 * time.Second) }, ""},
		{"no folder", func(w *world) { w.cfg.Data = filepath.Join(w.cfg.Data, "gone") }, "space"},
	}
	for _, tt := range tests {
		w := newWorld(t)
		tt.damage(w)
		h := health.New(w.store, w.cfg)
		status, body := ask(t, h, "/readyz")
		var report health.Report
		must(t, json.Unmarshal([]byte(body), &report))
		var failed []string
		for _, name := range []string{"clock", "head", "space", "write"} {
			switch report.Checks[name] {
			case "failed":
				failed = append(failed, name)
			case "ok":
			default:
				t.Errorf("%s: check %s is %q", tt.name, name, report.Checks[name])
			}
		}
		want := http.StatusOK
		if tt.failed != "" {
			want = http.StatusServiceUnavailable
		}
		if got := strings.Join(failed, " "); got != tt.failed || status != want || report.Ready != (want == 200) {
			t.Errorf("%s: got %d with %q failed, want %d with %q", tt.name, status, got, want, tt.failed)
		}
		if strings.Contains(body, "fire") || strings.Contains(body, w.cfg.Data) {
			t.Errorf("%s: the report tells a stranger what is wrong exactly: %s", tt.name, body)
		}
		if status, body := ask(t, h, "/healthz"); status != 200 || body != "ok\n" {
			t.Errorf("%s: healthz is %d %q, want 200 ok", tt.name, status, body)
		}
	}
}

func TestWhoeverAsksOftenMakesNoWork(t *testing.T) {
	w := newWorld(t)
	h := health.New(w.store, w.cfg)
	ask(t, h, "/readyz")
	w.store.Faults().Crash(errors.New("down"))
	if status, _ := ask(t, h, "/readyz"); status != 200 {
		t.Errorf("within 5 s the answer is %d, want the one of before, 200", status)
	}
	w.now = w.now.Add(5 * time.Second)
	if status, _ := ask(t, h, "/readyz"); status != 503 {
		t.Errorf("after 5 s the answer is %d, want 503", status)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
