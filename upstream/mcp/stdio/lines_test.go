package stdio

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

func TestLinesAreReadUpToASize(t *testing.T) {
	in := newLines(strings.NewReader("short\n"+strings.Repeat("x", 100_000)+"\r\n\n{\"a\":\""+strings.Repeat("y", 200_000)+"\",\"id\":7}\nno line"), 100_001)
	for _, want := range []struct {
		length  int
		tooLong bool
		id      int64
	}{{5, false, 0}, {100_001, false, 0}, {0, false, 0}, {0, true, 7}} {
		line, tooLong, id, err := in.next()
		if len(line) != want.length || tooLong != want.tooLong || id != want.id || err != nil {
			t.Errorf("got %d bytes, %v, %d, %v, want %+v", len(line), tooLong, id, err, want)
		}
	}
	if _, _, _, err := in.next(); !errors.Is(err, io.EOF) {
		t.Errorf("half a line: got %v, want the end", err)
	}
	in = newLines(strings.NewReader(strings.Repeat("x", 1<<20)), 10)
	if _, tooLong, _, err := in.next(); !tooLong || !errors.Is(err, errHopeless) {
		t.Errorf("a line without end: got %v, %v", tooLong, err)
	}
}

func TestTheIDIsFoundInWhatCannotBeRead(t *testing.T) {
	for line, want := range map[string]int64{
		`{"jsonrpc":"2.0","id":12,"result":{}}`:                12,
		` { "result" : {"id":3,"x":[{"id":4}]} , "id" : 12 } `: 12,
		`{"id":12,"result":{"a":`:                              12,
		`{"result":{"a":},"id":12}`:                            12,
		`{"result":"\"id\":5,","id":12}`:                       12,
		`{"result":"id","id":12}`:                              12,
		`{"id":12,"id":13}`:                                    12,
		`{"id":"12"}`:                                          0,
		`{"id":-12}`:                                           0,
		`{"id":1e2}`:                                           0,
		`{"id":[12]}`:                                          0,
		`[{"id":12}]`:                                          0,
		`"id":12}`:                                             0,
		`{"ID":12}`:                                            0,
		`listening, id 12`:                                     0,
		`{"id":12`:                                             0,
	} {
		for size := 1; size < 4; size++ {
			var s idScanner
			for rest := line; rest != ""; rest = rest[min(size, len(rest)):] {
				s.write([]byte(rest[:min(size, len(rest))]))
			}
			if s.id() != want {
				t.Errorf("%s in parts of %d: got %d, want %d", line, size, s.id(), want)
			}
		}
	}
}

// FuzzMessage compares the scanner with the parser, where that can read the line.
func FuzzMessage(f *testing.F) {
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":12,"result":{"isError":true}}`, `{"jsonrpc":"2.0","id":"a","method":"ping"}`,
		`{"id":1,"ID":2,"jsonrpc":"2.0"}`, `{"jsonrpc":"2.0","error":{"code":-1},"id":00}`, `[{"id":12}]`, `{"id":7 ,"jsonrpc":"2.0"`,
		`{"jsonrpc":"2.0","id":5,"result":{"isError":1,"iserror":true}}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var scan idScanner
		scan.write(line)
		m, err := rpc.Parse(line)
		if err != nil {
			return
		}
		m.Reply()
		if a := m.Answer(); (a.Body == nil) != (a.Problem != "") {
			t.Fatalf("%q: body %q with problem %q", line, a.Body, a.Problem)
		} else if a.Body != nil && canon.Check(line) == nil && canon.Check(a.Body) != nil {
			t.Fatalf("%q became %q", line, a.Body)
		}
		id, err := strconv.ParseInt(string(m.ID), 10, 64)
		if err == nil && id > 0 && strings.Contains(string(line), `"id"`) && scan.id() != id {
			t.Fatalf("%q: scanned id %d, parsed %d", line, scan.id(), id)
		}
	})
}
