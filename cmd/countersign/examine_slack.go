package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/countersignhq/countersign/channel/slack"
	"github.com/countersignhq/countersign/server/admin"
)

// slackAnswers is how long Slack may take to say where its tokens belong.
const slackAnswers = 15 * time.Second

// slack looks whether Slack takes the tokens, of which none is printed.
func (x *examination) slack(ctx context.Context) {
	cfg := x.cfg.Channels.Slack
	if cfg == nil {
		return
	}
	set, err := slackConfig(cfg)
	if err != nil {
		x.wrong("slack", err)
		return
	}
	set.Log = slog.New(slog.DiscardHandler)
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

// fewDead is how much of what was given up is printed line by line.
const fewDead = 5

// givenUp lists what the running server could not get into a chat.
func (x *examination) givenUp(ctx context.Context) {
	if !x.running || x.cfg.Channels.Slack == nil {
		return
	}
	all, err := operate[admin.GivenUps](ctx, x.at, http.MethodGet, "/v1/channels/given-up", nil)
	if err != nil {
		x.wrong("channels", err)
		return
	}
	for i, g := range all.GivenUp {
		if i == fewDead {
			x.warn("channels", "countersign channel ls lists them", "and %d more", len(all.GivenUp)-fewDead)
			break
		}
		x.warn("channels", "mend the connection, then: countersign channel retry", "%s of %s, given up %s after %d tries: %s", g.Kind, g.Key, stamp(g.Since), g.Tries, g.Why)
	}
	if len(all.GivenUp) == 0 {
		x.ok("channels", "nothing was given up")
	}
}
