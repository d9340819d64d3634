package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/store"
)

func TestSlackIsConnectedAsTheConfigurationSays(t *testing.T) {
	t.Setenv("SLACK_BOT_TOKEN", "xoxb-test")
	t.Setenv("SLACK_SIGNING_SECRET", "0123456789abcdef")
	text := `listen: 127.0.0.1:0
doors: 127.0.0.1:0
channels: {slack: {bot_token: env:SLACK_BOT_TOKEN, signing_secret: env:SLACK_SIGNING_SECRET, regions: [eu-west-1],
  to: ["#approvals"], routes: [{resources: ["mcp/*"], to: [reviewers]}]}}
`
	dir := t.TempDir()
	cfg, err := config.Parse("countersign.yaml", dir, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Data = filepath.Join(dir, "data")
	s, err := build(t.Context(), cfg, options{log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(context.WithoutCancel(t.Context()))
	if c := s.chats["slack"]; len(c.Routes) != 2 || c.Setting.Regions[0] != "eu-west-1" || c.Setting.Console != s.public.String() {
		t.Errorf("slack is connected as %+v", c.Chat)
	}
	enrolSomebody(t, s)
	post := func(path string) int {
		r := httptest.NewRequest("POST", path, strings.NewReader("payload=x"))
		r.Host = s.public.Host
		w := httptest.NewRecorder()
		s.people().ServeHTTP(w, r)
		return w.Code
	}
	if got := post("/slack"); got != http.StatusUnauthorized {
		t.Errorf("an unsigned request to /slack: got %d, want 401", got)
	}
	cfg.Channels.Slack.BotToken = config.Literal("")
	t.Setenv("SLACK_SIGNING_SECRET", "")
	cfg.Data = filepath.Join(dir, "other")
	if other, err := build(t.Context(), cfg, options{log: slog.New(slog.DiscardHandler)}); err == nil {
		other.close(context.WithoutCancel(t.Context()))
		t.Error("a server starts without the secrets that its configuration names")
	}
}

func TestTheDoctorListsWhatWasGivenUpAndTheOperatorHasItTriedAgain(t *testing.T) {
	t.Setenv("SLACK_BOT_TOKEN", "xoxb-test")
	t.Setenv("SLACK_SIGNING_SECRET", "0123456789abcdef")
	dir := t.TempDir()
	cfg, err := config.Parse("countersign.yaml", dir, []byte(`listen: 127.0.0.1:0
doors: 127.0.0.1:0
channels: {slack: {bot_token: env:SLACK_BOT_TOKEN, signing_secret: env:SLACK_SIGNING_SECRET}}
`))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Data = filepath.Join(dir, "data")
	s, err := build(t.Context(), cfg, options{log: slog.New(slog.DiscardHandler), slackAPI: "http://127.0.0.1:1/api/"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, served := make(chan struct{}), make(chan error, 1)
	go func() { served <- s.serve(ctx, func() { close(ready) }) }()
	<-ready
	defer func() { stop(); <-served; s.close(context.Background()) }()

	for i := range 7 {
		dead := fmt.Sprintf(`{"kind":"cards","key":"req_%d","since":"2026-11-22T09:00:00Z","tries":20,"why":"not_in_channel; invite the app"}`, i)
		if err := s.store.Add(t.Context(), store.Job{Kind: "dead", Key: fmt.Sprintf("cards/req_%d", i), Due: time.Now(), Body: []byte(dead)}); err != nil {
			t.Fatal(err)
		}
	}
	a := &at{t: newTerminal(strings.NewReader(""), io.Discard, io.Discard, func(string) (string, bool) { return "", false }), dataFolder: cfg.Data}
	x := &examination{at: a, cfg: cfg, running: true}
	x.givenUp(t.Context())
	if len(x.found) != fewDead+1 || x.found[0].Level != concern || !strings.Contains(x.found[0].Says, "cards of req_0, given up 2026-11-22 09:00") ||
		!strings.Contains(x.found[0].Hint, "countersign channel retry") || x.found[fewDead].Says != "and 2 more" {
		t.Errorf("the doctor says %+v", x.found)
	}
	if n, err := s.givenUp(t.Context()); n != 7 || err != nil {
		t.Errorf("/readyz counts %d, %v; want 7", n, err)
	}
	verb := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(append(args, "--data", cfg.Data), strings.NewReader(""), &out, &errs, func(string) (string, bool) { return "", false }); code != 0 {
			t.Errorf("countersign %s ended with %d: %s", strings.Join(args, " "), code, errs.String())
		}
		return out.String()
	}
	if got := verb("channel", "ls"); strings.Count(got, "req_") != 7 || !strings.Contains(got, "invite the app") {
		t.Errorf("channel ls prints\n%s", got)
	}
	if got := verb("channel", "retry"); got != "7 tried again\n" {
		t.Errorf("channel retry prints %q", got)
	}
	if got := verb("channel", "ls", "--json"); got != "" {
		t.Errorf("after it, channel ls prints %q", got)
	}
	x.found = nil
	if x.givenUp(t.Context()); len(x.found) != 1 || x.found[0].Level != fine {
		t.Errorf("after it, the doctor says %+v", x.found)
	}
}
