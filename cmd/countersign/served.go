package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// served is the address of the server whose log is meant, empty for a folder or
// a server of this machine.
func (a *at) served() string {
	if u, err := url.Parse(a.dataFolder); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		return a.dataFolder
	}
	return a.remote()
}

// auditServed audits the log that a server serves, as far as it does.
func (a *at) auditServed(ctx context.Context, base string, ask auditing) error {
	if ask.key == "" {
		return failed("--key log.vkey, as pinned when the log was begun and not as this server gives it", "--key is missing: a log proves nothing by itself")
	}
	trust, err := readTrust(ask.key)
	if err != nil {
		return err
	}
	log := servedLog{base: strings.TrimRight(base, "/"), token: a.t.get("COUNTERSIGN_TOKEN"), http: &http.Client{Timeout: time.Minute}}
	checkpoint, err := log.read(ctx, "/log/checkpoint", 64<<10)
	if err != nil {
		return notTheLog(err)
	}
	head, err := audit.Tree(ctx, trust, checkpoint, log.tile)
	if err != nil {
		return notTheLog(err)
	}
	entries := func(ctx context.Context) iter.Seq2[ledger.Entry, error] { return log.entries(ctx, head.Size) }
	report, err := audit.Run(ctx, audit.Source{Trust: trust, Checkpoint: checkpoint, Entries: entries, Since: ask.since})
	switch {
	case errors.Is(err, errNoAuditor):
		tree := audit.Report{Origin: head.Origin, Size: head.Size, Root: head.Root}
		return a.t.audited(audited{Report: tree, scope: treeOnly, since: ask.since}, ask.json)
	case err != nil:
		return notTheLog(err)
	}
	return a.t.audited(audited{Report: report, scope: leavesOnly, since: ask.since}, ask.json)
}

// errNoAuditor says that the server does not give entries to this caller.
var errNoAuditor = errors.New("the server does not give the entries of its log to this caller")

// A servedLog is a log behind C2SP tlog-tiles over HTTP.
type servedLog struct {
	base  string
	token string
	http  *http.Client
}

// tile is a ledger.TileFunc.
func (l servedLog) tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	return l.read(ctx, tilePath(t), int64(t.W)*tlog.HashSize)
}

// tilePath is the path of C2SP tlog-tiles: that of x/mod less the height, and
// with another name for entries.
func tilePath(t tlog.Tile) string {
	t.H = ledger.TileHeight
	path := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", t.H))
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		path = "entries/" + rest
	}
	return "/log/tile/" + path
}

// entries reads the first size leaves, with nothing opened of them.
func (l servedLog) entries(ctx context.Context, size int64) iter.Seq2[ledger.Entry, error] {
	const width = 1 << ledger.TileHeight
	return func(yield func(ledger.Entry, error) bool) {
		for from := int64(0); from < size; from += width {
			t := tlog.Tile{L: -1, N: from / width, W: int(min(width, size-from))}
			b, err := l.read(ctx, tilePath(t), width*(2+ledger.MaxLeaf))
			if err != nil {
				yield(ledger.Entry{}, err)
				return
			}
			index := from
			for len(b) >= 2 {
				n := int(binary.BigEndian.Uint16(b))
				if len(b) < 2+n {
					break
				}
				if !yield(ledger.Entry{Index: index, Leaf: b[2 : 2+n]}, nil) {
					return
				}
				b = b[2+n:]
				index++
			}
			if len(b) > 0 || index != from+int64(t.W) {
				yield(ledger.Entry{}, fmt.Errorf("%s holds other than %d entries", tilePath(t), t.W))
				return
			}
		}
	}
}

// read gets at most so many bytes. That it cannot says nothing of the log.
func (l servedLog) read(ctx context.Context, path string, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+path, nil)
	if err != nil {
		return nil, failed("--data http://host:port", "%s is no address", oneLine(l.base))
	}
	if l.token != "" {
		req.Header.Set("Authorization", "Bearer "+l.token)
	}
	resp, err := l.http.Do(req)
	if err != nil {
		return nil, failed("check the address, and that the server runs", "the log cannot be read: %v", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, errNoAuditor
	default:
		return nil, failed("check the address; a Countersign server serves its log there", "%s%s answered %s", l.base, path, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s is longer than %d bytes", path, most)
	}
	if err != nil {
		return nil, failed("try again", "the log cannot be read: %v", err)
	}
	return b, nil
}
