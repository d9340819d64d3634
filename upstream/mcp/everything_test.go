package mcp_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/testenv"
	"github.com/countersignhq/countersign/upstream/mcp"
)

// The real server over HTTP, with sessions and event streams of its own.
func TestTheRealServerOverHTTPRunsWhatWasReleased(t *testing.T) {
	h := newHouse(t, func(c *mcp.Config) { c.Command, c.URL = nil, everything(t) })
	list, err := h.Pass(t.Context(), "tools/list", nil)
	check(t, err)
	if !bytes.Contains(list, []byte(`"name":"echo"`)) {
		t.Errorf("got %.200s, want its tools", list)
	}
	c := h.command("echo")
	c.Params = []byte(`{"name":"echo","arguments":{"message":"h\u00e9llo"}}`)
	var out bytes.Buffer
	o, err := h.Run(t.Context(), h.release(t, c, time.Now(), nil), &out)
	check(t, err)
	if o.Execution != countersign.ExecutionSucceeded || !strings.Contains(out.String(), "h\u00e9llo") {
		t.Errorf("got %+v, %s", o, out.String())
	}
}

// everything starts the server and returns its address.
func everything(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	check(t, l.Close()) // it takes no port of ours, and cannot tell which it took itself
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(testenv.Node(t), "@modelcontextprotocol/server-everything/dist/index.js"), "streamableHttp")
	cmd.Env = append(os.Environ(), fmt.Sprintf("PORT=%d", port))
	said, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "listening on port") {
			go func() {
				for lines.Scan() { // or it stops when the pipe is full
				}
			}()
			return fmt.Sprintf("http://127.0.0.1:%d/mcp", port)
		}
	}
	t.Fatal("the server ended before it listened")
	return ""
}
