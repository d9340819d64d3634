package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	verb, rest, _ := strings.Cut(strings.TrimSpace(c.Text), " ")
	rest = strings.TrimSpace(rest)
	var a channel.Answer
	switch verb {
	case "link":
		a, err = desk.Link(ctx, who, rest)
	case "unlink":
		a, err = desk.Unlink(ctx, who)
	case "list":
		a, err = s.page(ctx, desk, who, "Your inbox shows what waits for you.", "/")
	case "show":
		if _, isID := strings.CutPrefix(rest, "req_"); !isID || strings.ContainsAny(rest, " /?#%") {
			a = channel.Answer{Says: "Which request? Write /countersign show req_\u2026", Code: countersign.CodeBadRequest}
			break
		}
		a, err = s.page(ctx, desk, who, "The console shows it if it is for you.", "/r/"+url.PathEscape(rest))
	default:
		a = channel.Answer{Says: help}
	}
	if err != nil {
		return err
	}
	return s.respond(ctx, who, c.ResponseURL, a)
}

// page links somebody who is linked to a page of the console.
func (s *Slack) page(ctx context.Context, desk channel.Desk, who channel.Account, says, path string) (channel.Answer, error) {
	_, ok, err := desk.Person(ctx, who)
	if err != nil {
		return channel.Answer{}, err
	}
	if !ok || who.Outsider != "" {
		return channel.Answer{Says: "This Slack account is linked to nobody who may see that. Sign in to the console, get a code, and write /countersign link CODE.",
			OpenURL: s.config.Console, Code: countersign.CodeUnauthenticated}, nil
	}
	return channel.Answer{Says: says, OpenURL: s.config.Console + path}, nil
}

// respond answers a command where it was typed, so that nobody else sees it, and
// in the conversation with the app where that fails. A response URL works for half
// an hour.
func (s *Slack) respond(ctx context.Context, who channel.Account, to string, a channel.Answer) error {
	if strings.HasPrefix(to, s.hooks) {
		m := blockkit.Note(a.Says, a.OpenURL)
		err := slack.PostWebhookCustomHTTPContext(ctx, to, &http.Client{Timeout: 10 * time.Second, CheckRedirect: noRedirect}, &slack.WebhookMessage{
			ResponseType: slack.ResponseTypeEphemeral, Text: m.Text, Blocks: &slack.Blocks{BlockSet: m.Blocks}, Parse: "none"})
		if err == nil {
			return nil
		}
		if err = failure(err); isRetry(err) {
			return err
		}
	}
	return s.answer(ctx, who, "", a)
}

func noRedirect(*http.Request, []*http.Request) error {
	return fmt.Errorf("a response URL that leads elsewhere: %w", errors.ErrUnsupported)
}
