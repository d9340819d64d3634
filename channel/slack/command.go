package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
)

const help = "/countersign list: what waits for you\n" +
	"/countersign show req_\u2026: one request\n" +
	"/countersign link CODE: link this Slack account to you; the console shows the code\n" +
	"/countersign unlink: end the link\n" +
	"/countersign help: this"

// command works on what somebody typed behind /countersign.
func (s *Slack) command(ctx context.Context, desk channel.Desk, c *command) error {
	who, err := s.account(ctx, c.User)
	if err != nil {
		return err
	}
	m, err := s.said(ctx, desk, who, c.Text)
	if err != nil {
		return err
	}
	return s.respond(ctx, who, c.ResponseURL, m)
}

// said does what a command says, and is the answer to it.
func (s *Slack) said(ctx context.Context, desk channel.Desk, who channel.Account, text string) (m blockkit.Message, err error) {
	verb, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	a, ok := channel.Answer{}, false
	switch verb {
	case "link":
		a, err = desk.Link(ctx, who, rest)
	case "unlink":
		a, err = desk.Unlink(ctx, who)
	case "list":
		var in channel.Inbox
		if in, a, ok, err = desk.Inbox(ctx, who); ok {
			return blockkit.List(in), err
		}
	case "show":
		if _, isID := strings.CutPrefix(rest, "req_"); !isID || strings.ContainsAny(rest, " /?#%") {
			a = channel.Answer{Says: "Which request? Write /countersign show req_\u2026", Code: countersign.CodeBadRequest}
			break
		}
		var c channel.Card
		if c, a, ok, err = desk.Show(ctx, who, countersign.RequestID(rest)); ok {
			return blockkit.Draw(c), err
		}
	default:
		a = channel.Answer{Says: help}
	}
	return blockkit.Note(a.Says, a.OpenURL), err
}

// respond answers a command where it was typed, so that nobody else sees it, and
// in the conversation with the app where that fails. A response URL works for half
// an hour.
func (s *Slack) respond(ctx context.Context, who channel.Account, to string, m blockkit.Message) error {
	if strings.HasPrefix(to, s.hooks) {
		err := slack.PostWebhookCustomHTTPContext(ctx, to, &http.Client{Timeout: 10 * time.Second, CheckRedirect: noRedirect}, &slack.WebhookMessage{
			ResponseType: slack.ResponseTypeEphemeral, Text: m.Text, Blocks: &slack.Blocks{BlockSet: m.Blocks}, Parse: "none"})
		if err == nil {
			return nil
		}
		if err = failure(err); isRetry(err) {
			return err
		}
	}
	return s.whisper(ctx, who, "", m)
}

func noRedirect(*http.Request, []*http.Request) error {
	return fmt.Errorf("a response URL that leads elsewhere: %w", errors.ErrUnsupported)
}
