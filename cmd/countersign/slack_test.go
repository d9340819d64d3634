package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/countersignhq/countersign/channel/slack/blockkit"
	"github.com/countersignhq/countersign/channel/slack/slacktest"
	"github.com/countersignhq/countersign/client"
)

// asServer is set to the address of Slack's Web API in the environment of a server
// that is a process of its own and asks there.
const asServer = "COUNTERSIGN_TEST_SLACK"

// serveWithSlack is what up does, with Slack at the address. It is the demo as far
// as approvals may come from the machine that the agent runs on.
func serveWithSlack(api string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := newTerminal(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv)
	a := &at{t: t}
	cfg, err := a.load()
	if err == nil {
		err = a.up(ctx, cfg, options{slackAPI: api, demo: true, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	}
	return t.report(ctx, err)
}

const slackPolicy = `apiVersion: countersign/v1
kind: PolicySet
metadata: {name: test, owner: platform}
defaults: {effect: hold, reviewers: [platform], expires: 30m}
rules:
- id: peek
  why: Somebody looks on.
  match: {verbs: [mcp.read]}
  effect: hold
  require: {reviewers: [platform], quorum: 1, assurance: chat, expires: 30m, run_within: 10m}
`

// asking is a server with Slack: Bob, who has linked his account there, decides
// what the agent of Alice asks for.
type asking struct {
	t       testing.TB
	slack   *slacktest.Server
	dir     string
	cmd     *exec.Cmd
	ended   chan struct{}
	said    bytes.Buffer
	console string
	token   string
	asked   int
}

const bobInSlack = "U0BOB"

func newAsking(t testing.TB) *asking {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a := &asking{t: t, slack: slacktest.New(t), dir: t.TempDir()}
	a.slack.Join(slacktest.User{ID: bobInSlack, Name: "Bob"})
	ran := filepath.Join(a.dir, "ran")
	for name, text := range map[string]string{
		"ran": "", "policy/test.yaml": slackPolicy,
		"upstream": "#!/bin/sh\nexec '" + self + "'\n",
		"countersign.yaml": fmt.Sprintf(`listen: 127.0.0.1:0
doors: 127.0.0.1:0
limits: {requests_per_minute: 0, pending: 0}
policy: [policy/]
groups: {platform: ["local|bob"]}
channels: {slack: {bot_token: env:SLACK_BOT_TOKEN, app_token: env:SLACK_APP_TOKEN, to: ["#payments"]}}
resources:
- name: mcp/count
  environment: dev
  owners: [platform]
  data_classes: [internal]
  upstream: {command: [%q], env: {%s: %q}, unsafe_same_user: true}
  tools: {peek: {verbs: [mcp.read]}}
`, filepath.Join(a.dir, "upstream"), asCounter, ran),
	} {
		file := filepath.Join(a.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if a.cmd != nil {
			a.stop(syscall.SIGKILL)
		}
	})
	a.start()
	a.people()
	return a
}

// command is this test binary as the countersign command.
func (a *asking) command(args ...string) *exec.Cmd {
	a.t.Helper()
	self, err := os.Executable()
	if err != nil {
		a.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"countersign"}, args...)
	cmd.Dir = a.dir
	return cmd
}

// start starts the server as a process of its own, and waits until it listens to
// Slack.
func (a *asking) start() {
	a.t.Helper()
	a.cmd, a.ended = a.command("up"), make(chan struct{})
	a.cmd.Env = append(os.Environ(), asServer+"="+a.slack.URL, "SLACK_BOT_TOKEN="+slacktest.BotToken, "SLACK_APP_TOKEN="+slacktest.AppToken)
	stderr, err := a.cmd.StderrPipe()
	if err != nil {
		a.t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(a.ended)
		for lines := bufio.NewScanner(io.TeeReader(stderr, &a.said)); lines.Scan(); {
			if m := consoleLine.FindStringSubmatch(lines.Text()); m != nil {
				ready <- m[1]
			}
		}
		a.cmd.Wait()
	}()
	select {
	case a.console = <-ready:
	case <-a.ended:
		a.t.Fatalf("the server does not start:\n%s", a.said.String())
	}
	a.slack.UntilListening(1)
}

func (a *asking) stop(s os.Signal) {
	a.cmd.Process.Signal(s)
	<-a.ended
	a.cmd = nil
}

// verb runs a verb of the command line.
func (a *asking) verb(args ...string) string {
	a.t.Helper()
	out, err := a.command(args...).Output()
	if err != nil {
		a.t.Fatalf("countersign %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (a *asking) people() {
	a.t.Helper()
	a.verb("person", "add", "alice")
	link := a.verb("person", "add", "bob")
	a.token = a.verb("agent", "create", "bot", "--owner", "alice")
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	u, err := url.Parse(link)
	if err != nil {
		a.t.Fatal(err)
	}
	post := func(path, kind, body string) []byte {
		req, err := http.NewRequest(http.MethodPost, a.console+path, strings.NewReader(body))
		if err != nil {
			a.t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Origin", a.console)
		resp, err := browser.Do(req)
		if err != nil {
			a.t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode/100 != 2 {
			a.t.Fatalf("POST %s: %s %v\n%s", path, resp.Status, err, b)
		}
		return b
	}
	post("/signin", "application/x-www-form-urlencoded", url.Values{"link": {u.Query().Get("link")}}.Encode())
	var code client.LinkCode
	if err := json.Unmarshal(post("/v1/links", "application/json", `{"chat":"slack"}`), &code); err != nil {
		a.t.Fatal(err)
	}
	a.slack.Send(a.slack.Type(bobInSlack, "link "+code.Code))
	a.slack.UntilTold(2) // the answer, and the notice
}

func (a *asking) client() *client.Client {
	a.t.Helper()
	c, err := client.New(a.console, client.Config{Token: a.token})
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// submit asks for a peek, and waits so long for its answer.
func (a *asking) submit(ctx context.Context, wait time.Duration) (client.Request, error) {
	a.asked++
	return a.client().Submit(ctx, client.Ask{Resource: "mcp/count", Command: client.Command{
		Kind: "mcp.request", Method: "tools/call", Params: fmt.Sprintf(`{"name":"peek","arguments":{"n":%d}}`, a.asked),
	}}, wait)
}

// cards are the cards among the messages.
func (a *asking) cards() []slacktest.Message {
	var all []slacktest.Message
	for _, m := range a.slack.Messages() {
		if strings.Contains(string(m.Blocks), `"block_id":"head"`) {
			all = append(all, m)
		}
	}
	return all
}

// untilCards waits for so many cards.
func (a *asking) untilCards(n int) []slacktest.Message {
	a.t.Helper()
	for have := len(a.slack.Messages()); len(a.cards()) < n; have = len(a.slack.Messages()) {
		a.slack.UntilMessages(have + 1)
	}
	return a.cards()
}

// untilNoted waits until the server has on record where it posted its cards: what is
// pressed before is not known to be its own after a kill.
func (a *asking) untilNoted() {
	a.t.Helper()
	for range 300 {
		resp, err := http.Get(a.console + metricsPath)
		if err != nil {
			a.t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			a.t.Fatal(err)
		}
		if strings.Contains(string(b), `countersign_jobs{kind="cards"} 0`) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	a.t.Fatal("a card is still being posted")
}

// untilSettled waits until the card no longer offers Approve: a server that was
// killed may draw it again before it edits it.
func (a *asking) untilSettled(card slacktest.Message) {
	a.t.Helper()
	for edits := 1; strings.Contains(string(a.slack.UntilEdited(card, edits).Blocks), blockkit.ActionApprove); edits++ {
	}
}

func (a *asking) approve(m slacktest.Message) string {
	a.t.Helper()
	return a.slack.Send(a.slack.Press(bobInSlack, m, blockkit.ActionApprove, nil))
}

// decided waits until somebody has decided the request: a click that was lost
// decides nothing, however long one waits.
func (a *asking) decided(id string) client.Request {
	a.t.Helper()
	ctx, stop := context.WithTimeout(a.t.Context(), 30*time.Second)
	defer stop()
	c, version := a.client(), uint64(0)
	for {
		r, err := c.Get(ctx, id, version, 5*time.Second)
		if err != nil {
			a.t.Fatalf("%s is still pending, in version %d: %v", id, version, err)
		}
		if r.Decision != client.DecisionPending {
			return r
		}
		version = r.Version
	}
}

// TestAClickSurvivesTheProcessThatTookIt kills the server with SIGKILL after a
// click was acknowledged: before it was decided, and after it was on record and
// before that was noted. Nothing is lost, and nothing counts twice.
func TestAClickSurvivesTheProcessThatTookIt(t *testing.T) {
	for name, during := range map[string]string{
		"between the click and the decision":         "users.info",
		"between the decision and the note about it": "chat.postEphemeral",
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking(t)
			r, err := a.submit(t.Context(), 0)
			if err != nil || r.Decision != client.DecisionPending {
				t.Fatalf("got %s, %v; want it held", r.Decision, err)
			}
			card := a.untilCards(1)[0]
			a.untilNoted()
			calls := a.slack.Calls(during)
			release := a.slack.Hold(during)
			defer release()
			envelope := a.approve(card)
			a.slack.UntilAcked(envelope, 1)
			a.slack.UntilCalled(during, calls+1)
			a.stop(syscall.SIGKILL)
			release()
			a.start()
			after := a.decided(r.ID)
			if after.Decision != client.DecisionApproved || len(after.Decisions) != 1 || after.Decisions[0].By.Name != "bob" {
				t.Errorf("it is %s with %+v, want it approved by Bob, once", after.Decision, after.Decisions)
			}
			a.untilSettled(card)
			a.slack.Again(a.slack.Press(bobInSlack, card, blockkit.ActionApprove, nil), envelope, 1) // Slack sends it again
			a.slack.UntilAcked(envelope, 2)
			if ran, err := a.client().Run(t.Context(), r.ID, 10*time.Second); err != nil || ran.Execution != client.ExecutionSucceeded {
				t.Errorf("it came to %s, %v; want it to run", ran.Execution, err)
			}
			a.stop(syscall.SIGTERM)
			said := a.verb("audit", "--data", "data")
			b, err := os.ReadFile(filepath.Join(a.dir, "ran"))
			if err != nil || strings.Count(string(b), "\n") != 1 {
				t.Errorf("it ran %q, %v; want it once. %s", b, err, said)
			}
			if n := len(a.cards()); n != 1 {
				t.Errorf("%d cards were posted, want 1", n)
			}
		})
	}
}
