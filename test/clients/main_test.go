package clients

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
)

var (
	run     = flag.Bool("clients", false, "try real command lines of agents; it downloads 1.1 GB once")
	program = flag.String("program", "", "the countersign to try, where another user can read it (default built here)")
)

// asNotes is set to a file's path in the environment of the test's own program
// where that is an MCP server over standard input and output.
const asNotes = "COUNTERSIGN_TEST_NOTES"

func TestMain(m *testing.M) {
	if file := os.Getenv(asNotes); file != "" {
		takeNotes(file)
		return
	}
	os.Exit(m.Run())
}

// The tools of the upstream. What is asked of soon expires within seconds.
const (
	noteTool = "write_note"
	soonTool = "write_note_soon"
)

// noted is what the upstream answers; the fake models know a success by it.
const noted = "noted: "

// mcpAnswer answers one JSON-RPC message as the upstream, nil where none is due.
func mcpAnswer(line []byte, note func(string)) []byte {
	var m struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params struct {
			Name      string
			Arguments struct{ Text string }
		} `json:"params"`
	}
	if json.Unmarshal(line, &m) != nil || m.ID == nil {
		return nil
	}
	const schema = `"inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}`
	switch m.Method {
	case "initialize":
		return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"notes","version":"1"}}}`, m.ID)
	case "tools/list":
		return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":%q,"description":"Writes a note.",%s},{"name":%q,"description":"Writes a note soon.",%s}]}}`, m.ID, noteTool, schema, soonTool, schema)
	case "tools/call":
		note(m.Params.Arguments.Text)
		return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%q}]}}`, m.ID, noted+m.Params.Arguments.Text)
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}`, m.ID)
}

// takeNotes is the upstream over standard input and output: it writes what it was
// asked to note into the file, a line each.
func takeNotes(file string) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer := mcpAnswer(lines.Bytes(), func(text string) {
			f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
			if err != nil {
				os.Exit(1)
			}
			defer f.Close()
			fmt.Fprintln(f, text)
		})
		if answer != nil {
			fmt.Printf("%s\n", answer)
		}
	}
}

// notes is the upstream over HTTP, and counts by text what it noted.
type notes struct {
	mu    sync.Mutex
	count map[string]int
}

func (n *notes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var raw json.RawMessage
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&raw) != nil {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	answer := mcpAnswer(raw, func(text string) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.count[text]++
	})
	if answer == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(answer)
}

func (n *notes) ran(text string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.count[text]
}

// freePort is a port that was free a moment ago: the gateway is started again on it.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
