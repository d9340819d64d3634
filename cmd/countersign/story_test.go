package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/internal/testenv"
	"github.com/countersignhq/countersign/ledger/ledgertest"
	"github.com/rogpeppe/go-internal/testscript"
)

// Each file of testdata is a story that a person could live, on a screen that is
// no terminal. Besides what testscript has, they use the commands below.
func TestStories(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	npm := testenv.Node(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Deadline:            time.Now().Add(2 * time.Minute), // a server that should have refused would run on
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SHOP", self)
			e.Setenv("NODE", node)
			e.Setenv("FILES_SERVER", filepath.Join(npm, "@modelcontextprotocol", "server-filesystem", "dist", "index.js"))
			e.Values[key{}] = &serving{}
			return os.Chmod(e.WorkDir, 0o755)
		},
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"up": up, "down": down, "ask": ask, "get": getVar, "fill": fill, "occupy": occupy, "tamper": tamper, "code": code, "interrupt": interrupt, "signin": signin, "decide": decide, "enrol": passkeys(t),
		},
	})
}

// key is what a story keeps its server under.
type key struct{}

// serving is the server of a story.
type serving struct {
	cmd    *exec.Cmd
	said   bytes.Buffer
	ended  chan struct{}
	ending error
}

// up starts the server and waits until it says that it is ready. CONSOLE and
// DOORS are its addresses from then on.
func up(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(key{}).(*serving)
	*s = serving{ended: make(chan struct{})}
	program, err := exec.LookPath("countersign")
	ts.Check(err)
	s.cmd = exec.Command(program, append([]string{"up"}, args...)...)
	s.cmd.Dir = ts.MkAbs(".")
	s.cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("WORK"), "SECRET_FOR_TEST=hunter2")
	stderr, err := s.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Defer(func() { s.cmd.Process.Kill(); <-s.ended })
	ready := make(chan bool, 1)
	go func() {
		defer close(s.ended)
		lines := bufio.NewScanner(io.TeeReader(stderr, &s.said))
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			switch {
			case len(fields) == 2 && fields[0] == "Console":
				ts.Setenv("CONSOLE", fields[1])
			case len(fields) == 2 && fields[0] == "Doors":
				ts.Setenv("DOORS", fields[1])
			case strings.HasPrefix(lines.Text(), "ready"):
				ready <- true
			}
		}
		s.ending = s.cmd.Wait()
		ready <- false
	}()
	if came := <-ready; came == neg {
		<-s.ended
		ts.Fatalf("up: ready is %v:\n%s", came, &s.said)
	}
}

// down interrupts the server and leaves what it said in the file up.err.
func down(ts *testscript.TestScript, neg bool, _ []string) {
	s := ts.Value(key{}).(*serving)
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	<-s.ended
	ts.Check(os.WriteFile(ts.MkAbs("up.err"), s.said.Bytes(), 0o644))
	if (s.ending != nil) != neg {
		ts.Fatalf("down: %v:\n%s", s.ending, &s.said)
	}
}

// ask TOKENFILE RESOURCE TOOL ARGUMENTS asks as an agent, and sets ID, STATE and
// RESULT.
// Negated, the ask itself must be refused, and STATE is the code. Where the tests
// run as root the agent runs as another user, so that people may approve.
func ask(ts *testscript.TestScript, neg bool, args []string) {
	in := strings.Join([]string{ts.Getenv("CONSOLE"), strings.TrimSpace(ts.ReadFile(args[0])), args[1], args[2], args[3]}, "\n")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{asAgent + "=" + in}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	id, said, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	said, result, _ := strings.Cut(said, " ")
	if err != nil || (id == "refused") != neg {
		ts.Fatalf("ask: %v: %s", err, out)
	}
	ts.Setenv("ID", id)
	ts.Setenv("STATE", said)
	ts.Setenv("RESULT", result)
}

// asAgent holds, a line each, the address, the token, the resource, the tool and
// its arguments of what this process asks for in place of running tests.
const asAgent = "COUNTERSIGN_TEST_ASK"

// agentAsks prints the id of the request, its state and its result, or "refused" and the code.
func agentAsks(in string) error {
	f := strings.SplitN(in, "\n", 5)
	c, err := client.New(f[0], client.Config{Token: f[1]})
	if err != nil {
		return err
	}
	params, err := json.Marshal(map[string]any{"name": f[3], "arguments": json.RawMessage(f[4])})
	if err != nil {
		return err
	}
	r, err := c.Submit(context.Background(), client.Ask{
		Resource: f[2], Reason: "a story", Command: client.Command{Kind: "mcp.request", Method: "tools/call", Params: string(params)},
	}, 0)
	if p, ok := errors.AsType[*client.Problem](err); ok {
		_, err = fmt.Println("refused", p.Code)
		return err
	}
	if err == nil {
		_, err = fmt.Println(r.ID, state(r), r.Result)
	}
	return err
}

// get NAME FILE REGEXP sets the variable to what the group in the expression
// matches first.
func getVar(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) != 2 {
		ts.Fatalf("get: %s is not in %s", args[2], args[1])
	}
	ts.Setenv(args[0], found[1])
}

// code N COMMAND… runs a command that must end with the exit code.
func code(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if want, err := strconv.Atoi(args[0]); err != nil || got != want {
		ts.Fatalf("code: got %d, want %s", got, args[0])
	}
}

// interrupt COMMAND… runs a command, interrupts it once it has said something to
// whoever sits there, and demands that it is then cancelled.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	program, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(program, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	said := bufio.NewReader(stderr)
	_, err = said.ReadString('\n')
	ts.Check(err)
	ts.Check(cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(said)
	ts.Check(err)
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() != exitCancelled || !strings.HasSuffix(string(rest), "cancelled\n") {
		ts.Fatalf("interrupt: %v: %s", err, rest)
	}
}

// fill FILE… replaces $NAMES in files.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// occupy takes a free port, and sets PORT to it.
func occupy(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv("PORT", port)
}

// tamper FILE OLD NEW replaces one text in a file, which must be there.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("tamper: %q is not in %s", args[1], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

// signin opens a session in a browser with the link in the file: SESSION is its
// cookie from then on. The page is fetched first, which spends nothing.
func signin(ts *testscript.TestScript, neg bool, args []string) {
	link, err := url.Parse(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	page, err := http.Get(link.String())
	ts.Check(err)
	ts.Check(page.Body.Close())
	resp := post(ts, link.Scheme+"://"+link.Host+"/signin", url.Values{"link": {link.Query().Get("link")}})
	for _, c := range resp.Cookies() {
		ts.Setenv("SESSION", c.Name+"="+c.Value)
	}
	if (resp.StatusCode == http.StatusSeeOther) == neg {
		ts.Fatalf("signin: %s", resp.Status)
	}
}

// decide CHOICE ID REASON makes a choice on the request's page, in the session.
func decide(ts *testscript.TestScript, neg bool, args []string) {
	page := request(ts, http.MethodGet, "/v1/requests/"+args[1], "")
	var r client.Request
	ts.Check(json.NewDecoder(page.Body).Decode(&r))
	ts.Check(page.Body.Close())
	b, err := json.Marshal(client.Choice{Choice: args[0], Digest: r.Digest, ViewDigest: r.ViewDigest, Reason: args[2]})
	ts.Check(err)
	resp := request(ts, http.MethodPost, "/v1/requests/"+args[1]+"/decisions", string(b))
	said, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if (resp.StatusCode == http.StatusCreated) == neg {
		ts.Fatalf("decide: %s: %s", resp.Status, said)
	}
}

// request is what the console's own page would send.
func request(ts *testscript.TestScript, method, path, body string) *http.Response {
	req, err := http.NewRequest(method, ts.Getenv("CONSOLE")+path, strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Cookie", ts.Getenv("SESSION"))
	req.Header.Set("Origin", ts.Getenv("CONSOLE"))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	return resp
}

func post(ts *testscript.TestScript, address string, form url.Values) *http.Response {
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	ts.Check(err)
	req.Header.Set("Origin", ts.Getenv("CONSOLE"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(req)
	ts.Check(err)
	ts.Check(resp.Body.Close())
	return resp
}

// passkeys makes the command enrol PERSON NAME: it gives the person a passkey with
// the name while no server runs, and sets NAME, in capitals, to its id.
func passkeys(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) { enrolled(t, ts, args[0], args[1]) }
}

func enrolled(t *testing.T, ts *testscript.TestScript, person, name string) {
	cfg, err := config.Load(ts.MkAbs(config.Name))
	ts.Check(err)
	ctx := context.Background()
	s, err := build(ctx, cfg, options{log: slog.New(slog.DiscardHandler)})
	ts.Check(err)
	d, err := s.gate.Directory(ctx)
	ts.Check(err)
	for _, p := range d.People {
		if p.Name == person {
			made := ledgertest.NewPasskey(t, p.ID, name).Credential
			made.VouchedBy = []string{"operator"}
			_, err := s.gate.Enrol(ctx, configuration(), made)
			ts.Check(err)
			ts.Setenv(strings.ToUpper(name), made.ID)
		}
	}
	ts.Check(s.close(ctx))
}
