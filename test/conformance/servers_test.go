package conformance

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// everything is the server of the suite's own reference, over HTTP at an address
// of this machine.
func everything(t *testing.T, program string, args ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() // the program takes no listener; it finds the port free
	run(t, exec.Command(program, append([]string{"-http", address}, args...)...), regexp.MustCompile(`listening at (\S+)`))
	return "http://" + address + "/"
}

// built builds a program of this module's dependencies, or of the product.
func built(t *testing.T, dir, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return program
}

// run starts a program, waits for the line that the pattern finds in its standard
// error, and returns what the pattern's group holds. It ends with the test.
func run(t *testing.T, cmd *exec.Cmd, ready *regexp.Regexp) string {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found, ended := make(chan string, 1), make(chan struct{})
	var said bytes.Buffer
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(io.TeeReader(stderr, &said)); lines.Scan(); {
			if m := ready.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case found <- m[1]:
				default:
				}
			}
		}
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(cmd.Path), said.Bytes())
		}
	})
	select {
	case m := <-found:
		return m
	case <-ended:
		t.Fatalf("%s does not start:\n%s", cmd.Path, said.Bytes())
	case <-time.After(30 * time.Second):
		t.Fatalf("%s is not ready", cmd.Path)
	}
	return ""
}

// policy lets everything run: what is judged is the protocol.
const policy = `apiVersion: countersign/v1
kind: PolicySet
metadata: {name: conformance, owner: tests}
defaults: {effect: hold, reviewers: [owners], expires: 30m}
rules:
- id: everything
  why: The suite is to see the server, and nobody is there to approve.
  match: {verbs: [mcp.read, mcp.write, mcp.unknown]}
  effect: allow
`

// through puts the real program before an upstream, and returns its address. The
// suite sends no token, so what stands between them adds the agent's.
func through(t *testing.T, program, upstream string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "policy.yaml"), policy)
	write(t, filepath.Join(dir, "countersign.yaml"), fmt.Sprintf(`listen: 127.0.0.1:0
doors: 127.0.0.1:0
policy: [policy.yaml]
limits: {requests_per_minute: 0, pending: 0}
clients: {conformance-test-client: {silent: 4s, progress: 4s}}
groups: {platform: ["local|bob"]}
resources:
- name: mcp/everything
  owners: [platform]
  data_classes: [internal]
  upstream: %s
  tools: {test_simple_text: {verbs: [mcp.read]}}
`, upstream))
	up := exec.Command(program, "up")
	up.Dir = dir
	doors := run(t, up, regexp.MustCompile(`Doors\s+(http://\S+)`))
	verb := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("countersign %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
		}
		return strings.TrimSpace(string(out))
	}
	verb("person", "add", "alice")
	return withToken(t, doors, verb("agent", "create", "suite", "--owner", "alice")) + "/mcp/everything"
}

// withToken returns the address of a proxy that adds the token, and nothing else.
func withToken(t *testing.T, to, token string) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = u.Scheme, u.Host, r.In.Host
			r.Out.Header.Set("Authorization", "Bearer "+token)
		},
		Transport: &http.Transport{DisableCompression: true},
	})
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
