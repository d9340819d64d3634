package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/cmd/countersign/shop"
	"github.com/countersignhq/countersign/internal/worker"
	"github.com/countersignhq/countersign/upstream/confine"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary be, besides the tests, the countersign command
// of the stories, what it starts upstreams through, and an upstream: a small shop
// that speaks MCP.
func TestMain(m *testing.M) {
	confine.Main(os.Args)
	worker.Main(os.Args, parsers())
	if os.Getenv("COUNTERSIGN_TEST_SHOP") != "" {
		if err := shop.Serve(untilVanish(arrivals{os.Stdin}), os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	if api := os.Getenv(asServer); api != "" {
		os.Exit(serveWithSlack(api))
	}
	if file := os.Getenv(asCounter); file != "" {
		if err := countUp(file, os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	if file := os.Getenv(asRelay); file != "" {
		if err := relay(file); err != nil {
			os.Exit(1)
		}
		return
	}
	if in := os.Getenv(asAgent); in != "" {
		if err := agentAsks(in); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testscript.Main(m, map[string]func(){"countersign": main})
}

// asTimed names the file that the shop keeps its arrivals in.
const asTimed = "COUNTERSIGN_TEST_ARRIVALS"

// arrivals notes when a call arrives: eight bytes of nanoseconds since 1970 for
// each, at the end of the file of asTimed.
type arrivals struct{ in io.Reader }

func (a arrivals) Read(b []byte) (int, error) {
	n, err := a.in.Read(b)
	now := time.Now()
	name := os.Getenv(asTimed)
	if name == "" || !bytes.Contains(b[:n], []byte("tools/call")) {
		return n, err
	}
	f, openErr := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if openErr != nil {
		return n, openErr
	}
	_, writeErr := f.Write(binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano())))
	return n, errors.Join(err, writeErr, f.Close())
}

// untilVanish is the shop's input. It ends the shop in the middle of a call that
// says "vanish": then nobody knows what became of it.
func untilVanish(in io.Reader) io.Reader {
	out, w := io.Pipe()
	go func() {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "vanish") {
				os.Exit(3)
			}
			if _, err := fmt.Fprintln(w, lines.Text()); err != nil {
				return
			}
		}
		w.CloseWithError(io.EOF)
	}()
	return out
}
