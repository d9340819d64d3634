package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/config"
)

func TestSlackIsReadWithItsRoutes(t *testing.T) {
	c, err := config.Parse("c.yaml", "/etc/cs", []byte(`channels:
  slack:
    bot_token: env:SLACK_BOT_TOKEN
    app_token: file:app.token
    workspace: T024BE7LD
    regions: [eu-west-1]
    to: ["#approvals"]
    routes:
    - {resources: ["db/*"], groups: [dba], to: ["#dba", reviewers]}
`))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Channels.Slack
	if s.BotToken.String() != "env:SLACK_BOT_TOKEN" || s.AppToken.String() != "file:/etc/cs/app.token" || s.Workspace != "T024BE7LD" || s.Regions[0] != "eu-west-1" || s.To[0] != "#approvals" {
		t.Errorf("got %+v", s)
	}
	if want := []config.Route{{Resources: []string{"db/*"}, Groups: []string{"dba"}, To: []string{"#dba", "reviewers"}}}; !reflect.DeepEqual(s.Routes, want) {
		t.Errorf("got the routes %+v, want %+v", s.Routes, want)
	}
	c, err = config.Parse("c.yaml", "/etc/cs", []byte("channels: {slack: {bot_token: \"env:A\", signing_secret: \"env:B\"}}\n"))
	if err != nil || len(c.Channels.Slack.To) != 1 || c.Channels.Slack.To[0] != "reviewers" {
		t.Errorf("got %+v, %v; want cards to go to the reviewers", c.Channels.Slack, err)
	}
}

func TestWhatIsWrongWithAChannelIsNamed(t *testing.T) {
	const ok = `bot_token: "env:A", app_token: "env:B"`
	for text, want := range map[string]string{
		`{slak: {}}`:                                                   `did you mean slack?`,
		`{teams: {}}`:                                                  `channels.teams is not in this version`,
		`{slack: {` + ok + `, chanel: "#a"}}`:                          `unknown key "chanel" in slack`,
		`{slack: {bot_token: "xoxb-12345"}}`:                           `bot_token: a secret is a reference`,
		`{slack: {app_token: "env:B"}}`:                                `slack has no bot_token`,
		`{slack: {bot_token: "env:A"}}`:                                `either an app_token or a signing_secret`,
		`{slack: {` + ok + `, signing_secret: "env:C"}}`:               `either an app_token or a signing_secret`,
		`{slack: {` + ok + `, routes: [{groups: [a]}]}}`:               `a route goes nowhere`,
		`{slack: {` + ok + `, routes: [{to: ["#a"]}]}}`:                `without resources and groups`,
		`{slack: {` + ok + `, routes: [{resources: ["["], to: [a]}]}}`: `is no pattern`,
	} {
		_, err := config.Parse("c.yaml", "/etc/cs", []byte("channels: "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(problemsOf(err), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "xoxb-12345") {
			t.Errorf("a secret is echoed: %v", err)
		}
	}
}

func problemsOf(err error) string {
	all, _ := err.(config.Problems)
	var b strings.Builder
	for _, p := range all {
		b.WriteString(p.Detail + " " + p.Hint + "\n")
	}
	return b.String()
}
