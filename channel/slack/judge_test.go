package slack_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
	"github.com/countersignhq/countersign/channel/slack/slacktest"
	"github.com/countersignhq/countersign/internal/testenv"
)

// A judge is Slack's own clients, run by Node.
type judge struct {
	t     *testing.T
	lines *bufio.Scanner
}

// hear fails unless the clients find what is wanted next.
func (j judge) hear(what, want string) string {
	j.t.Helper()
	if !j.lines.Scan() {
		j.t.Fatalf("the clients ended before %s", what)
	}
	var said struct {
		What  string
		Value any
	}
	if err := json.Unmarshal(j.lines.Bytes(), &said); err != nil {
		j.t.Fatalf("%s: %v", j.lines.Text(), err)
	}
	got := fmt.Sprint(said.Value)
	if said.What != what || want != "" && got != want {
		j.t.Errorf("Slack's client says %s: %s, want %s: %s", said.What, got, what, want)
	}
	return got
}

func TestSlacksOwnClientsCanUseTheSlackOfTheTests(t *testing.T) {
	if testing.Short() {
		t.Skip("needs npm")
	}
	s, c := workspace(t)
	drawn := blockkit.Draw(sample())
	card, err := json.Marshal(struct {
		Blocks any    `json:"blocks"`
		Text   string `json:"text"`
	}{drawn.Blocks, drawn.Text})
	if err != nil {
		t.Fatal(err)
	}
	dialog, err := blockkit.Ask(countersign.Reject, sample())
	if err != nil {
		t.Fatal(err)
	}
	view, err := json.Marshal(dialog)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/judge.mjs")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", script)
	cmd.Dir, cmd.Stderr = filepath.Dir(testenv.Node(t)), t.Output()
	cmd.Env = append(os.Environ(), "API="+s.URL, "BOT="+slacktest.BotToken, "APP="+slacktest.AppToken, "SECRET="+slacktest.SigningSecret,
		"CARD="+string(card), "VIEW="+string(view))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m, _ := posted(t, s, c, nil)
	s.Later("auth.test", 1)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	j := judge{t, bufio.NewScanner(out)}
	for _, step := range [][2]string{
		{"auth.test", slacktest.Workspace}, {"bots.info", slacktest.App}, {"users.info", "Bob Okafor"}, {"unknown user", "user_not_found"}, {"429", "ok"},
		{"post", m.Place}, {"update", "true"}, {"whisper", "ok"}, {"no channel", "channel_not_found"}, {"bad blocks", "invalid_blocks"},
		{"bad trigger", "expired_trigger_id"}, {"bad token", "invalid_auth"},
	} {
		j.hear(step[0], step[1])
	}
	port := j.hear("ready", "")

	press := s.Press("U0BOB", m, blockkit.ActionApprove, nil)
	name := s.Send(press)
	s.UntilAcked(name, 1)
	j.hear("interactive", "block_actions cs_approve U0BOB true "+name)
	j.hear("views.open", "ok")
	s.Again(press, name, 1)
	s.UntilAcked(name, 2)
	j.hear("interactive", "block_actions cs_approve U0BOB true "+name)
	j.hear("views.open", "expired_trigger_id")
	s.Send(s.Type("U0BOB", "list"))
	j.hear("slash_commands", "/countersign list 200")

	address := "http://127.0.0.1:" + port + "/slack"
	for _, step := range []struct {
		d          slacktest.Delivery
		what, want string
	}{
		{s.Press("U0BOB", m, blockkit.ActionApprove, nil), "signed action", sample().Token + " U0BOB"},
		{s.Submit(s.Dialogs()[0], "U0BOB", "Wrong charge.", ""), "signed dialog", "Wrong charge."},
		{s.Type("U0BOB", "help"), "signed command", "help"},
	} {
		if got := status(t, step.d.Request(address, time.Now())); got != 200 {
			t.Fatalf("%s: Slack's receiver answers %d, want 200", step.what, got)
		}
		j.hear(step.what, step.want)
	}
	if got := status(t, press.Request(address, time.Now().Add(-6*time.Minute))); got != 401 {
		t.Errorf("a stale request: Slack's receiver answers %d, want 401", got)
	}
}

func status(t *testing.T, r *http.Request) int {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestOurMessagesAreOfSlacksTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("needs npm")
	}
	dialog, err := blockkit.Ask(countersign.Escalate, sample())
	if err != nil {
		t.Fatal(err)
	}
	view, err := json.Marshal(dialog)
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	source.WriteString("import type { KnownBlock, ModalView } from '@slack/types';\n")
	for i, m := range []blockkit.Message{blockkit.Draw(sample()), blockkit.Short(sample()), blockkit.Note("Look.", "https://gate.example/"),
		blockkit.Said(choices("reject", "Wrong charge.")[0])} {
		blocks, err := json.Marshal(m.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&source, "export const message%d: KnownBlock[] = %s;\n", i, blocks)
	}
	fmt.Fprintf(&source, "export const dialog: ModalView = %s;\n", view)
	dir := t.TempDir()
	modules := testenv.Node(t)
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "messages.ts")
	if err := os.WriteFile(file, []byte(source.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(modules, ".bin", "tsc"), "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--pretty", "false", file)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}
