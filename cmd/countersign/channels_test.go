package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/config"
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
