package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/countersignhq/countersign/client"
)

// The users that the gateway and the agents run as: two, and neither is the
// superuser, or nothing that they ask for could be approved from a browser here.
const (
	gatewayUser = 61235
	agentUser   = 61236
)

func as(user uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user, NoSetGroups: true}}
}

// A gateway is the real program.
type gateway struct {
	t        *testing.T
	dir      string
	program  string
	listen   string // where people are
	doors    string
	cmd      *exec.Cmd
	ended    chan struct{}
	token    string
	reviewer *http.Client
	said     *bytes.Buffer
}

const policyText = `apiVersion: countersign/v1
kind: PolicySet
metadata: {name: clients, owner: platform}
defaults: {effect: hold, reviewers: [platform], expires: 30m}
rules:
- {id: soon, why: "This one waits for seconds.", match: {verbs: [mcp.write]}, when: 'facts.tool == "write_note_soon"', effect: hold, require: {reviewers: [platform], expires: 5s}}
- {id: fetch, why: "This one for less than Claude's patience.", match: {verbs: [mcp.write]}, when: 'facts.tool == "WebFetch"', effect: hold, require: {reviewers: [platform], expires: 2s}}
`

// serve starts a gateway before the upstream, and a resource that the agent wraps.
func serve(t *testing.T, program, upstream string) *gateway {
	t.Helper()
	g := &gateway{t: t, dir: open(t, gatewayUser), program: program}
	listen, doors := freePort(t), freePort(t)
	g.listen, g.doors = fmt.Sprintf("http://localhost:%d", listen), fmt.Sprintf("http://127.0.0.1:%d", doors)
	g.ok(os.WriteFile(filepath.Join(g.dir, "policy.yaml"), []byte(policyText), 0o644))
	const tools = `{write_note: {verbs: [mcp.write]}, write_note_soon: {verbs: [mcp.write]}}`
	g.ok(os.WriteFile(filepath.Join(g.dir, "countersign.yaml"), fmt.Appendf(nil, `listen: 127.0.0.1:%d
doors: 127.0.0.1:%d
public_url: %s
policy: [policy.yaml]
limits: {requests_per_minute: 0, pending: 0}
groups: {platform: ["local|bob"]}
clients:
  claude-code: {silent: 4s, progress: 4s}
  codex-mcp-client: {silent: 4s, progress: 4s}
  gemini-cli-mcp-client: {silent: 4s, progress: 4s}
  copilot-cli: {silent: 4s, progress: 4s}
resources:
- {name: mcp/notes, owners: [platform], data_classes: [internal], upstream: {url: %q}, tools: %s}
- {name: mcp/own, owners: [platform], data_classes: [internal], upstream: {wrapped: bot}, tools: %s}
- {name: mcp/claude, owners: [platform], data_classes: [internal], upstream: {wrapped: claude}, tools: %s}
`, listen, doors, g.listen, upstream, tools, tools, `{Bash: {verbs: [mcp.write]}, WebFetch: {verbs: [mcp.write]}}`), 0o644))
	g.start()
	g.verb("person", "add", "alice")
	link := g.verb("person", "add", "bob")
	g.token = g.verb("agent", "create", "bot", "--owner", "alice")
	jar, err := cookiejar.New(nil)
	g.ok(err)
	g.reviewer = &http.Client{Jar: jar}
	u, err := url.Parse(link)
	g.ok(err)
	g.post("/signin", url.Values{"link": {u.Query().Get("link")}})
	return g
}

// open makes a folder of the user's that others can read.
func open(t *testing.T, user int) string {
	t.Helper()
	folder := t.TempDir()
	for dir := folder; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(folder, user, user); err != nil {
		t.Fatal(err)
	}
	return folder
}

func (g *gateway) ok(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// start starts the program and waits until it says that it listens.
func (g *gateway) start() {
	g.t.Helper()
	g.cmd = exec.Command(g.program, "up")
	g.cmd.Dir = g.dir
	g.cmd.SysProcAttr = as(gatewayUser)
	stderr, err := g.cmd.StderrPipe()
	g.ok(err)
	g.ok(g.cmd.Start())
	cmd, ended, ready := g.cmd, make(chan struct{}), make(chan struct{}, 1)
	g.ended, g.said = ended, new(bytes.Buffer)
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(io.TeeReader(stderr, g.said)); lines.Scan(); {
			if strings.Contains(lines.Text(), "Console") {
				ready <- struct{}{}
			}
		}
		_ = cmd.Wait()
	}()
	g.t.Cleanup(func() { cmd.Process.Kill(); <-ended })
	select {
	case <-ready:
	case <-ended:
		g.t.Fatalf("the gateway does not start:\n%s", g.said)
	}
}

// killed has the gateway killed, without a word to anybody, and started again.
func (g *gateway) killed() {
	g.t.Helper()
	g.ok(g.cmd.Process.Kill())
	<-g.ended
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	g.start()
}

func (g *gateway) verb(args ...string) string {
	g.t.Helper()
	cmd := exec.Command(g.program, args...)
	cmd.Dir = g.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("countersign %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// post posts a form as the reviewer's browser does.
func (g *gateway) post(path string, form url.Values) {
	g.t.Helper()
	req, err := http.NewRequest(http.MethodPost, g.listen+path, strings.NewReader(form.Encode()))
	g.ok(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", g.listen)
	res, err := g.reviewer.Do(req)
	g.ok(err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		g.t.Fatalf("%s: %s", path, res.Status)
	}
}

// requests are those whose command holds the text, newest first.
func (g *gateway) requests(text string) []client.Request {
	g.t.Helper()
	var found []client.Request
	for line := range strings.Lines(g.verb("ls", "--all", "--json")) {
		var r client.Request
		g.ok(json.Unmarshal([]byte(line), &r))
		if strings.Contains(r.Command.Params, text) {
			found = append(found, r)
		}
	}
	return found
}

// held waits until a request of the text is pending. The client that should ask
// for it says by over that it has ended.
func (g *gateway) held(text string, over <-chan struct{}) (client.Request, bool) {
	g.t.Helper()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		for _, r := range g.requests(text) {
			if r.Decision == client.DecisionPending {
				return r, true
			}
		}
		select {
		case <-over:
			return client.Request{}, false
		case <-look.C:
		}
	}
}

func (g *gateway) decide(r client.Request, choice string) {
	g.t.Helper()
	g.post("/plain/r/"+r.ID+"/decide", url.Values{
		"choice": {choice}, "digest": {r.Digest}, "view_digest": {r.ViewDigest}, "reason": {"not like this"},
	})
}
