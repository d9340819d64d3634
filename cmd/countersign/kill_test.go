package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

var (
	kills    = flag.Int("kills", 3, "at how many random points to kill the server")
	killSeed = flag.Uint64("killseed", uint64(time.Now().UnixNano()), "the seed of the random points")
)

// asCounter is set to a file's path in the environment of the counting upstream.
const asCounter = "COUNTERSIGN_TEST_COUNTER"

// TestKilledAtRandomPoints kills the real server with SIGKILL under sixteen
// agents and a reviewer, again and again. After each start nothing that was
// acknowledged is missing and the log extends what was seen of it from outside;
// at the end no command ran twice or unreleased, as the upstream counts.
func TestKilledAtRandomPoints(t *testing.T) {
	c := newCrash(t)
	for i := 0; i < *kills || c.triesHalf() && i < *kills+10; i++ {
		c.start()
		if i == 0 {
			c.people()
		}
		c.signsIn()
		c.looksBack(200)
		c.traffic(time.Duration(20+c.rng.IntN(400))*time.Millisecond + c.longer(i))
	}
	c.start()
	c.looksBack(len(c.told))
	c.stop(syscall.SIGTERM)
	c.counts()
}

// crash is one run of the test.
type crash struct {
	t        *testing.T
	rng      *rand.Rand
	dir      string
	program  string
	counter  string
	uid      int    // of the server; 0 if it is the test's own
	relay    string // through which the agents call as another user; empty: as the test's own
	cmd      *exec.Cmd
	ended    chan struct{}
	console  string
	token    string
	reviewer *http.Client
	asked    atomic.Int64
	approved atomic.Int64 // as the reviewer was told

	mu   sync.Mutex
	told map[string]client.Request // what agents were told, by id
	anew map[string]bool           // of which since the last look back
	seen ledger.Checkpoint
}

func newCrash(t *testing.T) *crash {
	t.Helper()
	t.Logf("seed %d", *killSeed)
	c := &crash{t: t, rng: rand.New(rand.NewPCG(*killSeed, 0)), dir: t.TempDir(), told: map[string]client.Request{}, anew: map[string]bool{}}
	c.program, c.counter = filepath.Join(c.dir, "countersign"), filepath.Join(c.dir, "ran")
	if out, err := exec.Command("go", "build", "-o", c.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	upstream := filepath.Join(c.dir, "upstream")
	c.write(upstream, "#!/bin/sh\nexec '"+self+"'\n", 0o755)
	c.write(filepath.Join(c.dir, "countersign.yaml"), fmt.Sprintf(`listen: 127.0.0.1:0
doors: 127.0.0.1:0
limits: {requests_per_minute: 0, pending: 0}
groups: {platform: ["local|bob"]}
resources:
- name: mcp/count
  owners: [platform]
  data_classes: [internal]
  upstream: {command: [%q], env: {%s: %q}, unsafe_same_user: true}
  tools: {look: {verbs: [mcp.read]}, change: {verbs: [mcp.write]}}
`, upstream, asCounter, c.counter), 0o644)
	c.write(c.counter, "", 0o666)
	c.lendToOther()
	return c
}

func (c *crash) write(name, text string, mode os.FileMode) {
	c.t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		c.t.Fatal(err)
	}
}

var consoleLine = regexp.MustCompile(`Console\s+(http://\S+)`)

func (c *crash) start() {
	c.t.Helper()
	c.cmd = exec.Command(c.program, "up")
	c.cmd.Dir = c.dir
	c.cmd.SysProcAttr = &syscall.SysProcAttr{}
	if c.uid != 0 {
		c.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.uid), Gid: uint32(c.uid), NoSetGroups: true}
	}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.ended = make(chan struct{})
	ready, said := make(chan string, 1), new(bytes.Buffer)
	go func() {
		defer close(c.ended)
		for lines := bufio.NewScanner(io.TeeReader(stderr, said)); lines.Scan(); {
			if m := consoleLine.FindStringSubmatch(lines.Text()); m != nil {
				ready <- m[1]
			}
		}
		c.cmd.Wait()
	}()
	c.t.Cleanup(func() { c.cmd.Process.Kill() })
	select {
	case c.console = <-ready:
		c.write(filepath.Join(c.dir, "console"), c.console, 0o644)
	case <-c.ended:
		c.t.Fatalf("the server does not start:\n%s", said)
	}
}

func (c *crash) stop(s syscall.Signal) {
	c.cmd.Process.Signal(s)
	<-c.ended
}

// verb runs a verb of the command line.
func (c *crash) verb(args ...string) string {
	c.t.Helper()
	cmd := exec.Command(c.program, args...)
	cmd.Dir = c.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("countersign %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

func (c *crash) people() {
	c.t.Helper()
	c.verb("person", "add", "alice")
	c.verb("person", "add", "bob")
	c.token = c.verb("agent", "create", "bot", "--owner", "alice")
}

// signsIn opens the reviewer's browser anew: a session approves for a quarter of an
// hour only.
func (c *crash) signsIn() {
	c.t.Helper()
	if c.uid == 0 {
		return
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.reviewer = &http.Client{Jar: jar}
	u, err := url.Parse(c.verb("person", "link", "bob"))
	if err != nil {
		c.t.Fatal(err)
	}
	if res := c.post("/signin", url.Values{"link": {u.Query().Get("link")}}); res != http.StatusOK {
		c.t.Fatalf("sign in: %d", res)
	}
}

// triesHalf is so as long as the reviewer could have approved something and has not:
// on a busy machine a kill may always come first. Then more follow, each later.
func (c *crash) triesHalf() bool { return c.uid != 0 && c.approved.Load() == 0 }

func (c *crash) longer(kill int) time.Duration {
	return time.Duration(max(0, kill+1-*kills)) * time.Second
}

// post posts a form as the reviewer's browser does, and returns the status.
func (c *crash) post(path string, form url.Values) int {
	req, err := http.NewRequest(http.MethodPost, c.console+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", c.console)
	res, err := c.reviewer.Do(req)
	if err != nil {
		return 0
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res.StatusCode
}

func (c *crash) agent() *client.Client {
	a, err := client.New(cmp.Or(c.relay, c.console), client.Config{Token: c.token, Transport: http.DefaultTransport})
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// traffic lets the agents ask until the server is killed after the time.
func (c *crash) traffic(d time.Duration) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var agents sync.WaitGroup
	for range 16 {
		agents.Go(func() { c.asks(ctx) })
	}
	<-time.After(d)
	c.stop(syscall.SIGKILL)
	cancel()
	agents.Wait()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func (c *crash) asks(ctx context.Context) {
	a := c.agent()
	for ctx.Err() == nil {
		n := c.asked.Add(1)
		tool := "look"
		if n%4 == 0 {
			tool = "change"
		}
		r, err := a.Submit(ctx, client.Ask{Resource: "mcp/count", Command: client.Command{
			Kind: "mcp.request", Method: "tools/call", Params: fmt.Sprintf(`{"name":%q,"arguments":{"n":%d}}`, tool, n),
		}}, 0)
		if err != nil {
			return
		}
		c.tell(r)
		if r.Decision != client.DecisionPending {
			continue
		}
		if n%8 == 0 || c.uid == 0 {
			if r, err := a.Withdraw(ctx, r.ID, "changed my mind"); err == nil {
				c.tell(r)
			}
			continue
		}
		switch got := c.post("/plain/r/"+r.ID+"/decide", url.Values{"choice": {"approve"}, "digest": {r.Digest}, "view_digest": {r.ViewDigest}}); got {
		case http.StatusOK:
			c.approved.Add(1)
		case 0, http.StatusConflict, http.StatusServiceUnavailable: // it was killed, or is being
		default:
			c.t.Errorf("approve %s: %d", r.ID, got)
		}
		if r, err := a.Run(ctx, r.ID, time.Second); err == nil {
			c.tell(r)
		}
	}
}

func (c *crash) tell(r client.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Version > c.told[r.ID].Version {
		c.told[r.ID], c.anew[r.ID] = r, true
	}
}

// looksBack checks that what was told is still so, all of it since the last time and
// some of the rest, and that the log extends what was seen of it.
func (c *crash) looksBack(some int) {
	c.t.Helper()
	a := c.agent()
	for id, told := range c.told {
		if some--; some < 0 && !c.anew[id] {
			continue
		}
		now, err := a.Get(c.t.Context(), id, 0, 0)
		if err != nil {
			c.t.Fatalf("%s, which was acknowledged as %s/%s, is gone: %v", id, told.Decision, told.Execution, err)
		}
		if now.Version < told.Version || told.Settled() && (now.Decision != told.Decision || now.Execution != told.Execution) {
			c.t.Errorf("%s was told to be %s/%s in version %d and is %s/%s in version %d", id,
				told.Decision, told.Execution, told.Version, now.Decision, now.Execution, now.Version)
		}
	}
	clear(c.anew)
	trust, err := readTrust(filepath.Join(c.dir, "data", vkeyFile))
	if err != nil {
		c.t.Fatal(err)
	}
	now, err := ledger.OpenCheckpoint(c.get("/log/checkpoint"), trust.Origin, trust.Keys)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.seen.Size > 0 {
		proof, err := ledger.ProveExtension(c.t.Context(), c.tile, c.seen, now)
		if err == nil {
			err = ledger.CheckExtension(c.seen, now, proof)
		}
		if err != nil {
			c.t.Fatalf("the log of size %d does not extend the one of size %d that was seen: %v", now.Size, c.seen.Size, err)
		}
	}
	c.seen = now
}

func (c *crash) get(path string) []byte {
	c.t.Helper()
	res, err := http.Get(c.console + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("GET %s: %s %v", path, res.Status, err)
	}
	return b
}

func (c *crash) tile(_ context.Context, tile tlog.Tile) ([]byte, error) {
	return c.get("/log/" + strings.Replace(tile.Path(), "tile/8/", "tile/", 1)), nil
}

// counts compares what ran upstream with what is on record.
func (c *crash) counts() {
	c.t.Helper()
	said := c.verb("audit", "--data", "data")
	c.t.Logf("%d asked; %s", c.asked.Load(), strings.Join(strings.Fields(said), " "))
	b, err := os.ReadFile(c.counter)
	if err != nil {
		c.t.Fatal(err)
	}
	ran := map[string]int{}
	for line := range strings.Lines(string(b)) {
		ran[strings.TrimSpace(line)]++
	}
	for args, n := range ran {
		if n > 1 {
			c.t.Errorf("%s ran %d times", args, n)
		}
	}
	succeeded := 0
	for id, told := range c.told {
		params := struct {
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
		}{}
		if err := json.Unmarshal([]byte(told.Command.Params), &params); err != nil {
			c.t.Fatal(err)
		}
		did := ran[string(params.Arguments)] == 1
		if told.Execution == client.ExecutionSucceeded {
			succeeded++
		}
		if did != (told.Execution == client.ExecutionSucceeded) && told.Settled() && told.Execution != client.ExecutionUnknown {
			c.t.Errorf("%s was told to be %s/%s; it ran upstream: %t", id, told.Decision, told.Execution, did)
		}
	}
	if succeeded == 0 {
		c.t.Error("nothing succeeded: the test tries nothing")
	}
	if c.triesHalf() {
		c.t.Error("nothing was approved: the test tries half of it")
	}
	c.t.Logf("%d kills; %d were approved; %d commands ran upstream, %d were told to have succeeded", *kills, c.approved.Load(), len(ran), succeeded)
}
