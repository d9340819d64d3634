package logtiles_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/logtiles"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type world struct {
	t     *testing.T
	store *memory.Store
	trust ledger.Trust
	url   string
	clock atomic.Int64
}

func newWorld(t *testing.T, auditor func(*http.Request) bool) *world {
	t.Helper()
	const origin = "test.example/log"
	private, vkey, err := ledger.NewKey(origin)
	must(t, err)
	signer, err := ledger.NewSigner(private)
	must(t, err)
	verifier, err := ledger.NewVerifier(vkey)
	must(t, err)
	w := &world{t: t, trust: ledger.Trust{Origin: origin, Keys: note.VerifierList(verifier)}}
	w.store, err = memory.New(memory.Config{Origin: origin, Signer: signer})
	must(t, err)
	s := httptest.NewServer(logtiles.New(w.store, logtiles.Config{Auditor: auditor, Now: func() time.Time { return time.Unix(w.clock.Load(), 0) }}))
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

// grow appends leaves until the log has n.
func (w *world) grow(n int64) {
	w.t.Helper()
	head, err := w.store.Head(w.t.Context())
	must(w.t, err)
	for i := head.Size; i < n; i++ {
		e, err := ledger.Encode(countersign.Event{
			Request: countersign.GroupID("dba"), Version: uint64(i + 1), Who: countersign.Who{Actor: countersign.Operator()},
			Body: countersign.GroupChanged{Group: countersign.Group{Name: "dba"}},
		})
		must(w.t, err)
		_, err = w.store.Commit(w.t.Context(), store.Change{Events: []ledger.Event{e}})
		must(w.t, err)
	}
}

func (w *world) get(path string) (int, http.Header, []byte) {
	w.t.Helper()
	resp, err := http.Get(w.url + path)
	must(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return resp.StatusCode, resp.Header, b
}

func (w *world) checkpoint() ledger.Checkpoint {
	w.t.Helper()
	w.clock.Add(1)
	status, header, b := w.get("/log/checkpoint")
	if status != 200 || header.Get("Content-Type") != "text/plain; charset=utf-8" {
		w.t.Fatalf("checkpoint: %d %s", status, header.Get("Content-Type"))
	}
	cp, err := ledger.OpenCheckpoint(b, w.trust.Origin, w.trust.Keys)
	must(w.t, err)
	return cp
}

// overHTTP reads tiles as x/mod wants them.
type overHTTP struct{ w *world }

func (overHTTP) Height() int { return 8 }

func (o overHTTP) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range list {
		status, _, b := o.w.get(pathOf(t))
		if status != 200 {
			return nil, fmt.Errorf("%s: status %d", pathOf(t), status)
		}
		all = append(all, b)
	}
	return all, nil
}

func (overHTTP) SaveTiles([]tlog.Tile, [][]byte) {}

// pathOf is the C2SP path: x/mod's own less the height.
func pathOf(t tlog.Tile) string {
	return "/log/" + strings.Replace(strings.Replace(t.Path(), "tile/8/", "tile/", 1), "tile/data/", "tile/entries/", 1)
}

func TestAnIndependentReaderProvesEveryLeafOverHTTP(t *testing.T) {
	w := newWorld(t, func(*http.Request) bool { return true })
	for _, size := range []int64{1, 5, 255, 256, 257, 512, 700} {
		w.grow(size)
		cp := w.checkpoint()
		if cp.Size != size {
			t.Fatalf("the checkpoint is of size %d, want %d", cp.Size, size)
		}
		tree := tlog.Tree{N: cp.Size, Hash: cp.Root}
		reader := tlog.TileHashReader(tree, overHTTP{w})
		for _, i := range []int64{0, size / 2, size - 1} {
			leaf := w.entry(i, size)
			proof, err := tlog.ProveRecord(size, i, reader)
			must(t, err)
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, i, tlog.RecordHash(leaf)); err != nil {
				t.Errorf("leaf %d of %d: %v", i, size, err)
			}
			if _, err := ledger.ParseLeaf(leaf); err != nil {
				t.Errorf("leaf %d of %d: %v", i, size, err)
			}
		}
	}
}

// entry reads one leaf out of its tile of entries.
func (w *world) entry(i, size int64) []byte {
	w.t.Helper()
	tile := tlog.Tile{H: 8, L: -1, N: i / 256, W: int(min(256, size-i/256*256))}
	status, _, b := w.get(pathOf(tile))
	if status != 200 {
		w.t.Fatalf("%s: status %d", pathOf(tile), status)
	}
	var leaves [][]byte
	for len(b) > 0 {
		n := binary.BigEndian.Uint16(b)
		leaves, b = append(leaves, b[2:2+n]), b[2+n:]
	}
	if len(leaves) != tile.W {
		w.t.Fatalf("%s holds %d leaves, want %d", pathOf(tile), len(leaves), tile.W)
	}
	return leaves[i%256]
}

func TestEntriesAreForAuditors(t *testing.T) {
	w := newWorld(t, nil)
	w.grow(300)
	for _, path := range []string{"/log/tile/entries/000", "/log/tile/entries/001.p/44", "/log/tile/entries/009"} {
		if status, _, b := w.get(path); status != 403 {
			t.Errorf("%s: got %d, want 403: %.80s", path, status, b)
		}
	}
	w = newWorld(t, func(r *http.Request) bool { return r.URL.Path == "/log/tile/entries/000" })
	w.grow(300)
	status, header, _ := w.get("/log/tile/entries/000")
	if status != 200 || header.Get("Cache-Control") != "no-store" {
		t.Errorf("an auditor gets %d, %s; want 200, no-store", status, header.Get("Cache-Control"))
	}
	if status, _, _ = w.get("/log/tile/entries/001.p/44"); status != 403 {
		t.Errorf("got %d, want 403", status)
	}
}

func TestOnlyTilesThatTheLogHasAreServedUnderOneName(t *testing.T) {
	w := newWorld(t, nil)
	w.grow(600)
	const immutable, brief = "public, max-age=31536000, immutable", "public, max-age=60"
	tests := []struct {
		path  string
		bytes int // 0: not there
		cache string
	}{
		{"/log/tile/0/000", 8192, immutable},
		{"/log/tile/0/001", 8192, immutable},
		{"/log/tile/0/000.p/7", 7 * 32, brief},
		{"/log/tile/0/002.p/88", 88 * 32, brief},
		{"/log/tile/0/002.p/1", 32, brief},
		{"/log/tile/1/000.p/2", 64, brief},
		{"/log/tile/0/002.p/89", 0, ""},
		{"/log/tile/0/002", 0, ""},
		{"/log/tile/0/003", 0, ""},
		{"/log/tile/0/003.p/1", 0, ""},
		{"/log/tile/1/000.p/3", 0, ""},
		{"/log/tile/1/000", 0, ""},
		{"/log/tile/2/000.p/1", 0, ""},
		{"/log/tile/63/000.p/1", 0, ""},
		{"/log/tile/64/000.p/1", 0, ""},
		{"/log/tile/0/0", 0, ""},
		{"/log/tile/00/000", 0, ""},
		{"/log/tile/-1/000", 0, ""},
		{"/log/tile/data/000", 0, ""},
		{"/log/tile/0/000.p/0", 0, ""},
		{"/log/tile/0/000.p/256", 0, ""},
		{"/log/tile/0/000.p/300", 0, ""},
		{"/log/tile/0/x000/000", 0, ""},
		{"/log/tile/0/x999/x999/x999/x999/x999/x999/999.p/1", 0, ""},
		{"/log/tile/0/%30%30%30", 0, ""},
		{"/log/tile/0/", 0, ""},
		{"/log/tile/", 0, ""},
		{"/log/", 0, ""},
		{"/log/nothing", 0, ""},
	}
	for _, tt := range tests {
		status, header, b := w.get(tt.path)
		switch {
		case tt.bytes == 0 && status != 404:
			t.Errorf("%s: got %d, want 404", tt.path, status)
		case tt.bytes > 0 && (status != 200 || len(b) != tt.bytes || header.Get("Cache-Control") != tt.cache):
			t.Errorf("%s: got %d, %d bytes, %s; want 200, %d, %s", tt.path, status, len(b), header.Get("Cache-Control"), tt.bytes, tt.cache)
		}
	}
	resp, err := http.Post(w.url+"/log/checkpoint", "text/plain", nil)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("a POST gets %d, Allow %q; want 405, GET, HEAD", resp.StatusCode, resp.Header.Get("Allow"))
	}
}

func TestACheckpointIsReadAtMostOnceASecond(t *testing.T) {
	w := newWorld(t, nil)
	w.grow(1)
	if got := w.checkpoint().Size; got != 1 {
		t.Fatalf("size is %d, want 1", got)
	}
	w.grow(2)
	if _, _, b := w.get("/log/checkpoint"); !strings.HasPrefix(string(b), "test.example/log\n1\n") {
		t.Errorf("within the second the checkpoint is %q, want the one of size 1", b)
	}
	if got := w.checkpoint().Size; got != 2 {
		t.Errorf("a second later the size is %d, want 2", got)
	}
}

func TestALogThatCannotBeReadIsUnavailable(t *testing.T) {
	w := newWorld(t, nil)
	w.grow(1)
	w.store.Faults().Crash(fmt.Errorf("disk on fire"))
	w.clock.Add(5)
	for _, path := range []string{"/log/checkpoint", "/log/tile/0/000.p/1"} {
		if status, _, b := w.get(path); status != 503 || strings.Contains(string(b), "fire") {
			t.Errorf("%s: got %d %s, want 503 without the cause", path, status, b)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
