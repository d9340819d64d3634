package mcp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/testenv"
	"github.com/countersignhq/countersign/upstream/confine"
	"github.com/countersignhq/countersign/upstream/mcp"
)

// The real file server, which is even told to serve the folder in which the
// gateway's data lies.
func TestTheRealFileServerReadsAndWritesAndSeesNoPrivateFolder(t *testing.T) {
	home := t.TempDir()
	served, data := filepath.Join(home, "served"), filepath.Join(home, "data")
	check(t, errors.Join(os.Mkdir(served, 0o755), os.Mkdir(data, 0o700)))
	key := filepath.Join(data, "log.key")
	check(t, os.WriteFile(key, []byte("PRIVATE"), 0o600))
	cfg := func(c *mcp.Config) {
		c.Command = []string{"node", filepath.Join(testenv.Node(t), "@modelcontextprotocol/server-filesystem/dist/index.js"), served, home}
		c.Private, c.UnsafeSameUser = []string{data}, false
	}
	h := newHouse(t, cfg)
	isolated := true
	if err := h.Start(t.Context()); errors.Is(err, confine.ErrNoIsolation) { // no Landlock here
		isolated = false
		h = newHouse(t, func(c *mcp.Config) { cfg(c); c.UnsafeSameUser = true })
	}

	list, err := h.Pass(t.Context(), "tools/list", nil)
	check(t, err)
	if !bytes.Contains(list, []byte(`"name":"write_file"`)) || !json.Valid(list) {
		t.Errorf("got %.200s, want its tools", list)
	}
	call := func(tool string, arguments map[string]string) (countersign.Outcome, string) {
		t.Helper()
		params, err := json.Marshal(map[string]any{"name": tool, "arguments": arguments})
		check(t, err)
		c := h.command(tool)
		c.Params = params
		var out bytes.Buffer
		o, err := h.Run(t.Context(), h.release(t, c, time.Now(), nil), &out)
		check(t, err)
		return o, out.String()
	}

	file := filepath.Join(served, "note.txt")
	if o, out := call("write_file", map[string]string{"path": file, "content": "h\u00e9llo\n"}); o.Execution != countersign.ExecutionSucceeded {
		t.Errorf("write: got %+v, %s", o, out)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "h\u00e9llo\n" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if o, out := call("read_text_file", map[string]string{"path": file}); o.Execution != countersign.ExecutionSucceeded || !strings.Contains(out, `h\u00e9llo`) && !strings.Contains(out, "h\u00e9llo") {
		t.Errorf("read: got %+v, %s", o, out)
	}
	if o, out := call("read_text_file", map[string]string{"path": filepath.Join(served, "none")}); o.Execution != countersign.ExecutionFailed || !strings.Contains(out, "isError") {
		t.Errorf("read of nothing: got %+v, %s", o, out)
	}
	if o, out := call("read_text_file", map[string]string{"path": key}); isolated && (o.Execution != countersign.ExecutionFailed || strings.Contains(out, "PRIVATE")) {
		t.Errorf("read of the key: got %+v, %s", o, out)
	}
}
