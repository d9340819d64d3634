package mcp_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/mcp"
)

const origin = "test.example/log"

// A record is a log of two leaves, whose second one releases a command.
type record struct {
	signer note.Signer
	trust  ledger.Trust
}

func newRecord(t testing.TB) record {
	t.Helper()
	private, public, err := ledger.NewKey(origin)
	check(t, err)
	signer, err := ledger.NewSigner(private)
	check(t, err)
	verifier, err := ledger.NewVerifier(public)
	check(t, err)
	return record{signer, ledger.Trust{Origin: origin, Keys: note.VerifierList(verifier)}}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// release is the proof that the command was released at the time.
func (r record) release(t testing.TB, c countersign.MCPRequest, at time.Time, bounds map[string]string) ledger.Release {
	t.Helper()
	command, err := countersign.Canonical(c)
	check(t, err)
	open, err := ledger.Salted(ledger.Sealed{Command: command, Who: []byte("{}"), Context: []byte("{}")})
	check(t, err)
	event := ledger.Event{
		Request: countersign.NewRequestID(), Version: 2, Kind: countersign.KindReleased, At: at.UTC().Truncate(time.Millisecond),
		State:  countersign.State{Decision: countersign.DecisionAllowed, Execution: countersign.ExecutionRunning},
		Public: ledger.Public{Actor: countersign.KindGateway, Executor: c.Resource, Bounds: bounds},
	}
	first := ledger.LeafHash([]byte("the request"))
	leaf, err := ledger.Leaf(event, first, ledger.Commit(ledger.SlotCommand, *open.Command),
		ledger.Commit(ledger.SlotWho, *open.Who), ledger.Commit(ledger.SlotContext, *open.Context))
	check(t, err)
	edge, _ := ledger.Edge{}.Append([]ledger.Hash{first, ledger.LeafHash(leaf)})
	cp, err := ledger.SignCheckpoint(origin, edge, r.signer)
	check(t, err)
	return ledger.Release{Command: *open.Command, Leaf: leaf, Index: 1, Proof: []ledger.Hash{first}, Checkpoint: cp.Note}
}

// A house is an upstream over the server that this test binary plays.
type house struct {
	record
	*mcp.Upstream
	seen string // the file with the lines that the server read
}

func newHouse(t testing.TB, change func(*mcp.Config)) house {
	t.Helper()
	h := house{record: newRecord(t), seen: filepath.Join(t.TempDir(), "seen")}
	cfg := mcp.Config{
		Name: "mcp/test", Command: []string{os.Args[0], "play-server", h.seen}, UnsafeSameUser: true, Trust: h.trust,
		Env: map[string]string{"GORACE": "atexit_sleep_ms=0"}, // or a server built with -race lives on for a second
	}
	if change != nil {
		change(&cfg)
	}
	u, err := mcp.New(cfg)
	check(t, err)
	t.Cleanup(func() { check(t, u.Close()) })
	h.Upstream = u
	return h
}

// command is a call of the tool, in params with a spelling of their own.
func (h house) command(tool string) countersign.MCPRequest {
	return countersign.MCPRequest{
		Resource: "mcp/test", Target: h.Target(), Method: "tools/call",
		Params: []byte(`{ "name":"` + tool + `", "arguments" : {"n":9007199254740993,"s":"\u00e9/\/"} }`),
	}
}

func (h house) run(t testing.TB, tool string) (countersign.Outcome, string, error) {
	t.Helper()
	var out bytes.Buffer
	o, err := h.Run(t.Context(), h.release(t, h.command(tool), time.Now(), nil), &out)
	return o, out.String(), err
}

// everything is all that the server has read.
func (h house) everything(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(h.seen)
	check(t, err)
	return string(b)
}

// calls are the lines with which the server was asked for tools.
func (h house) calls(t testing.TB) []string {
	t.Helper()
	var calls []string
	for line := range strings.Lines(h.everything(t)) {
		if strings.Contains(line, `"tools/call"`) {
			calls = append(calls, line)
		}
	}
	return calls
}
