package main

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/countersignhq/countersign/channel/slack"
	"github.com/countersignhq/countersign/config"
)

// slackAnswers is how long Slack may take to say where its tokens belong.
const slackAnswers = 15 * time.Second

// slack looks whether Slack takes the tokens, of which none is printed.
func (x *examination) slack(ctx context.Context) {
	cfg := x.cfg.Channels.Slack
	if cfg == nil {
		return
	}
	set := slack.Config{Workspace: cfg.Workspace, Log: slog.New(slog.DiscardHandler)}
	for _, v := range []struct {
		to *string
		of config.Value
	}{{&set.BotToken, cfg.BotToken}, {&set.AppToken, cfg.AppToken}, {&set.SigningSecret, cfg.SigningSecret}} {
		if !v.of.IsReference() {
			continue
		}
		value, err := v.of.Resolve(os.LookupEnv)
		if err != nil {
			x.bad("slack", "docs/slack.md tells where each value is found", "%v", err)
			return
		}
		*v.to = value
	}
	ctx, cancel := context.WithTimeout(ctx, slackAnswers)
	defer cancel()
	ch, err := slack.New(set)
	if err != nil {
		x.bad("slack", "docs/slack.md tells where each value is found", "%v", err)
		return
	}
	home, err := ch.Check(ctx)
	if err != nil {
		x.bad("slack", "docs/slack.md tells how to make the tokens again", "%v", err)
		return
	}
	how := "over a socket"
	if set.AppToken == "" {
		how = "by signed requests to " + strings.TrimSuffix(x.cfg.PublicURL, "/") + "/slack"
	}
	x.ok("slack", "workspace %s (%s), app %s, %s", home.Name, home.Workspace, home.App, how)
	if len(cfg.Regions) == 0 {
		x.warn("slack", "say regions: where the workspace keeps its data", "no regions are said, so every card of a resource with regions is a link and no more")
	}
}
