package slack_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	goslack "github.com/slack-go/slack"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/channeltest"
	"github.com/countersignhq/countersign/channel/slack"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
	"github.com/countersignhq/countersign/channel/slack/slacktest"
)

// A chat is a workspace as the suite of every chat sees it.
type chat struct {
	t       testing.TB
	server  *slacktest.Server
	channel *slack.Slack
	people  int
	filled  map[string]int // dialogs that were sent, by user
	sent    int
}

func TestSlackIsAChannel(t *testing.T) {
	channeltest.Test(t, func(t testing.TB) channeltest.Chat {
		s := slacktest.New(t)
		c, err := slack.New(slack.Config{BotToken: slacktest.BotToken, AppToken: slacktest.AppToken, API: s.URL, Console: channeltest.Console,
			Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
		if err != nil {
			t.Fatal(err)
		}
		return &chat{t: t, server: s, channel: c, filled: map[string]int{}}
	})
}

func (c *chat) Channel() channel.Channel { return c.channel }

func (c *chat) Join(name string, s channeltest.Standing) channel.Account {
	c.people++
	a := channel.Account{Workspace: slacktest.Workspace, ID: fmt.Sprintf("U0%03d", c.people), Name: name}
	a.Outsider = c.stands(a, s)
	return a
}

func (c *chat) Becomes(who channel.Account, s channeltest.Standing) { c.stands(who, s) }

// stands puts the account into the workspace as what it is, and says what it is if
// that is no member.
func (c *chat) stands(a channel.Account, s channeltest.Standing) (outsider string) {
	u := slacktest.User{ID: a.ID, Name: a.Name}
	switch s {
	case channeltest.Guest:
		u.Guest, outsider = true, "a guest"
	case channeltest.Stranger:
		u.Stranger, u.Workspace, outsider = true, "T0OTHER", "a stranger from another workspace"
	case channeltest.Bot:
		u.Bot, outsider = true, "a bot"
	case channeltest.Left:
		u.Deleted, outsider = true, "deactivated"
	}
	c.server.Join(u)
	return outsider
}

func (c *chat) Place() channel.Address { return "#payments" }

// isCard tells a card from a note or an answer.
func isCard(m slacktest.Message) bool { return strings.Contains(string(m.Blocks), `"block_id":"head"`) }

func (c *chat) Copies() []channel.Copy {
	var all []channel.Copy
	for _, m := range c.server.Messages() {
		if isCard(m) {
			all = append(all, channel.Copy{Workspace: slacktest.Workspace, Place: m.Place, Message: m.TS})
		}
	}
	return all
}

func (c *chat) message(at channel.Copy) slacktest.Message {
	for _, m := range c.server.Messages() {
		if m.Place == at.Place && m.TS == at.Message {
			return m
		}
	}
	return slacktest.Message{}
}

func (c *chat) blocks(at channel.Copy) []goslack.Block {
	blocks, err := c.message(at).Decoded()
	if err != nil {
		c.t.Fatal(err)
	}
	return blocks
}

func (c *chat) Shown(at channel.Copy) string {
	var all strings.Builder
	for _, b := range c.blocks(at) {
		all.WriteString(blockkit.TextOf(b) + "\n")
	}
	return all.String()
}

// Alive looks for what Slack would bring to life: whatever is no text among the
// blocks, and what stands between angle brackets in the notification.
func (c *chat) Alive(at channel.Copy) []string {
	m := c.message(at)
	var all []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for _, key := range []string{"url", "image_url", "user_id", "usergroup_id", "channel_id", "range"} {
				if s, ok := v[key].(string); ok {
					all = append(all, s)
				}
			}
			if v["type"] == "mrkdwn" {
				all = append(all, fmt.Sprint(v["text"]))
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	var v any
	if err := json.Unmarshal(m.Blocks, &v); err != nil {
		c.t.Fatal(err)
	}
	walk(v)
	if _, after, ok := strings.Cut(m.Text, "<"); ok {
		all = append(all, after)
	}
	return all
}

func (c *chat) Buttons(at channel.Copy) []countersign.Choice {
	var all []countersign.Choice
	for _, choice := range []countersign.Choice{countersign.Approve, countersign.Reject, countersign.Escalate} {
		if _, ok := c.message(at).Button("cs_" + string(choice)); ok {
			all = append(all, choice)
		}
	}
	return all
}

func (c *chat) Token(at channel.Copy) string {
	for _, choice := range c.Buttons(at) {
		button, _ := c.message(at).Button("cs_" + string(choice))
		return button.Value
	}
	return ""
}

func (c *chat) Press(by channel.Account, at channel.Copy, token, action string) channel.Delivery {
	return c.deliver(c.server.Press(by.ID, c.message(at), "cs_"+action, func(p *slacktest.Pressing) {
		p.Token, p.Place, p.Message, p.Workspace = token, at.Place, at.Message, at.Workspace
	}))
}

func (c *chat) Fill(by channel.Account, choice channel.Choice) (channel.Delivery, bool) {
	var open []slacktest.Dialog
	for _, d := range c.server.Dialogs() {
		if d.For == by.ID {
			open = append(open, d)
		}
	}
	if len(open) == c.filled[by.ID] {
		return channel.Delivery{}, false
	}
	c.filled[by.ID] = len(open)
	return c.deliver(c.server.Submit(open[len(open)-1], by.ID, choice.Reason, choice.To)), true
}

func (c *chat) deliver(d slacktest.Delivery) channel.Delivery {
	c.sent++
	body, err := json.Marshal(map[string]any{"envelope_id": fmt.Sprintf("env-%d", c.sent), "type": d.Kind, "payload": d.Payload})
	if err != nil {
		c.t.Fatal(err)
	}
	return channel.Delivery{ID: fmt.Sprintf("env-%d", c.sent), Body: body}
}

func (c *chat) Noted(at channel.Copy) []string {
	var all []string
	for _, m := range c.server.Messages() {
		if m.Place == at.Place && m.Thread == at.Message {
			all = append(all, strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(m.Text))
		}
	}
	return all
}

func (c *chat) Told(to channel.Account) []string {
	var all []string
	for _, m := range c.server.Told() {
		if m.For == to.ID && m.Thread == "" && !isCard(m) {
			all = append(all, strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(m.Text))
		}
	}
	return all
}
