// Package slack asks reviewers in Slack. New makes the channel of one workspace;
// Listen receives what people press over a socket that the channel opens itself
// (Socket Mode), and Handler is the alternative, the signed requests that Slack
// sends. Use one of the two.
//
// Both hand everything to the desk before they acknowledge it, and believe
// nothing of it but who pressed, in which workspace, which copy, and the token of
// its card. Package blockkit draws the messages.
package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
)

// A Config says how a workspace is reached. docs/slack.md tells where each value
// is found.
type Config struct {
	// BotToken posts and edits: "xoxb-…". It is required.
	BotToken string
	// AppToken opens the socket: "xapp-…". Listen needs it.
	AppToken string
	// SigningSecret proves that a request came from Slack. Handler needs it.
	SigningSecret string
	// Workspace is the team id that the bot token must be of: "T…". Empty, the
	// default, takes that of the token.
	Workspace string
	// Enterprise is the id of the Enterprise Grid organization that the workspace is
	// of: "E…". Who is at home in another workspace of it, and is a member of this
	// one, is then no stranger. Empty, the default, refuses a workspace that is of
	// an organization.
	Enterprise string
	// Console is the address of the console, without a slash at its end: commands
	// link to its pages.
	Console string
	// API is where the Web API is. Defaults to https://slack.com/api/.
	API string
	// Log gets what was refused without anybody to tell. Defaults to slog.Default().
	Log *slog.Logger
}

// A Slack is the channel of one workspace. It is safe for concurrent use.
type Slack struct {
	config Config
	api    *slack.Client
	hooks  string // how a response URL begins

	mu   sync.Mutex
	home *Home // guarded by mu; nil until Slack has said it
}

// New makes the channel. It asks Slack nothing yet.
func New(c Config) (*Slack, error) {
	if c.BotToken == "" {
		return nil, errors.New("slack: no bot token; docs/slack.md tells how to make one")
	}
	if c.AppToken == "" && c.SigningSecret == "" {
		return nil, errors.New("slack: neither an app token nor a signing secret, so nothing that is pressed would arrive; docs/slack.md tells how to make an app token")
	}
	s := &Slack{config: c, hooks: "https://hooks.slack.com/"}
	if s.config.API == "" {
		s.config.API = slack.APIURL
	} else {
		u, err := url.Parse(c.API)
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("slack: the address of the API %q is not a URL", c.API)
		}
		s.hooks = u.Scheme + "://" + u.Host + "/"
	}
	if s.config.Log == nil {
		s.config.Log = slog.Default()
	}
	s.api = slack.New(c.BotToken, slack.OptionAppLevelToken(c.AppToken), slack.OptionAPIURL(s.config.API),
		slack.OptionHTTPClient(&http.Client{Timeout: 10 * time.Second}))
	return s, nil
}

// A Home is where the bot token belongs.
type Home struct {
	Workspace  string // team id
	Name       string // of the workspace
	App        string // app id
	Bot        string // user id of the bot
	Enterprise string // id of the organization, empty if it is of none
}

// Home says where the bot token belongs, as Slack says it; it asks once. The
// error says what is wrong with the token.
func (s *Slack) Home(ctx context.Context) (Home, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.home != nil {
		return *s.home, nil
	}
	who, err := s.api.AuthTestContext(ctx)
	if err != nil {
		return Home{}, fmt.Errorf("slack: the bot token: %w", failure(err))
	}
	if want := s.config.Workspace; want != "" && who.TeamID != want {
		return Home{}, fmt.Errorf("slack: the bot token is of the workspace %s, and the configuration says %s", who.TeamID, want)
	}
	if err := s.organization(who.EnterpriseID); err != nil {
		return Home{}, err
	}
	bot, err := s.api.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: who.BotID, TeamID: who.TeamID})
	if err != nil {
		return Home{}, fmt.Errorf("slack: which app the bot token is of: %w", failure(err))
	}
	if who.TeamID == "" || bot.AppID == "" || strings.HasPrefix(who.TeamID, "E") {
		return Home{}, errors.New("slack: Slack does not say to which workspace and app the bot token belongs; install the app to a workspace, not to an organization")
	}
	s.home = &Home{Workspace: who.TeamID, Name: who.Team, App: bot.AppID, Bot: who.UserID, Enterprise: who.EnterpriseID}
	return *s.home, nil
}

// organization refuses a workspace of an organization that the configuration does
// not name: who its members are is then for others to say than its own
// administrators.
func (s *Slack) organization(is string) error {
	switch want := s.config.Enterprise; {
	case is == want:
		return nil
	case want == "":
		return fmt.Errorf("slack: the workspace is of the Enterprise Grid organization %s; name it in the configuration, enterprise: %s, if its administrators may say who is a member", is, is)
	case is == "":
		return fmt.Errorf("slack: the workspace is of no organization, and the configuration says %s", want)
	}
	return fmt.Errorf("slack: the workspace is of the organization %s, and the configuration says %s", is, s.config.Enterprise)
}

// Check says where the tokens belong, or what is wrong with them: of the app token
// whether it opens a socket. It is for who sets a workspace up.
func (s *Slack) Check(ctx context.Context) (Home, error) {
	home, err := s.Home(ctx)
	if err != nil || s.config.AppToken == "" {
		return home, err
	}
	if _, _, err := s.api.StartSocketModeContext(ctx); err != nil {
		return home, fmt.Errorf("slack: the app token: %w", failure(err))
	}
	return home, nil
}

// Fits implements channel.Channel.
func (s *Slack) Fits(c channel.Card) bool { return blockkit.Fits(c) }

// Post implements channel.Channel. Slack keeps no key, so that a crash between its
// answer and the next step leaves a second copy, whose buttons decide nothing.
func (s *Slack) Post(ctx context.Context, to channel.Address, c channel.Card) (channel.Copy, error) {
	home, err := s.Home(ctx)
	if err != nil {
		return channel.Copy{}, err
	}
	if isUser(to) {
		if err := s.inside(ctx, string(to)); err != nil {
			return channel.Copy{}, err
		}
	}
	at := channel.Copy{Workspace: home.Workspace}
	err = drawn(c, func(m blockkit.Message) error {
		at.Place, at.Message, err = s.api.PostMessageContext(ctx, string(to), options(m)...)
		return failure(err)
	})
	if err != nil {
		return channel.Copy{}, fmt.Errorf("slack: post to %s: %w", to, err)
	}
	return at, nil
}

// isUser reports whether an address is the id of a user: "U024BE7LH", or "W…" in an
// organization. Those of places begin with other letters.
func isUser(to channel.Address) bool {
	return len(to) > 1 && (to[0] == 'U' || to[0] == 'W') && strings.Trim(string(to[1:]), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// Edit implements channel.Channel. What was chosen since is said in the thread.
func (s *Slack) Edit(ctx context.Context, at channel.Copy, c channel.Card) error {
	if err := s.here(ctx, at.Workspace); err != nil {
		return err
	}
	err := drawn(c, func(m blockkit.Message) error {
		_, _, _, err := s.api.UpdateMessageContext(ctx, at.Place, at.Message, options(m)...)
		return failure(err)
	})
	if err != nil {
		return fmt.Errorf("slack: edit %s in %s: %w", at.Message, at.Place, err)
	}
	choices := c.Brief.Deciders.Choices
	for _, choice := range choices[max(0, len(choices)-c.NewChoices):] {
		said := append(options(blockkit.Said(choice)), slack.MsgOptionTS(at.Message))
		if _, _, err := s.api.PostMessageContext(ctx, at.Place, said...); err != nil {
			return fmt.Errorf("slack: say below %s in %s who decided: %w", at.Message, at.Place, failure(err))
		}
	}
	return nil
}

// drawn sends a card, and once more as a link where Slack refuses its length.
func drawn(c channel.Card, send func(blockkit.Message) error) error {
	err := send(blockkit.Draw(c))
	if tooLong(err) {
		return send(blockkit.Short(c))
	}
	return err
}

// options say that the text is no markup and that nothing in it unfolds.
func options(m blockkit.Message) []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...),
		slack.MsgOptionDisableMarkdown(), slack.MsgOptionParse(false), slack.MsgOptionLinkNames(false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}
}

// Tell implements channel.Channel: it writes to the account's own conversation
// with the app.
func (s *Slack) Tell(ctx context.Context, to channel.Account, text, open string) error {
	if err := s.here(ctx, to.Workspace); err != nil {
		return err
	}
	if err := s.inside(ctx, to.ID); err != nil {
		return err
	}
	if _, _, err := s.api.PostMessageContext(ctx, to.ID, options(blockkit.Note(text, open))...); err != nil {
		return fmt.Errorf("slack: tell %s: %w", to.ID, failure(err))
	}
	return nil
}

// Note implements channel.Channel: it writes into the thread of the copy.
func (s *Slack) Note(ctx context.Context, at channel.Copy, text, open string) error {
	if err := s.here(ctx, at.Workspace); err != nil {
		return err
	}
	said := append(options(blockkit.Note(text, open)), slack.MsgOptionTS(at.Message))
	if _, _, err := s.api.PostMessageContext(ctx, at.Place, said...); err != nil {
		return fmt.Errorf("slack: say something below %s in %s: %w", at.Message, at.Place, failure(err))
	}
	return nil
}

// inside refuses an account that is an outsider as of now.
func (s *Slack) inside(ctx context.Context, id string) error {
	who, err := s.account(ctx, id)
	if err == nil && who.Outsider != "" {
		err = fmt.Errorf("slack: %s is %s: %w", id, who.Outsider, channel.ErrGone)
	}
	return err
}

// here refuses what is in another workspace than the bot token: an id there may be
// somebody else's here.
func (s *Slack) here(ctx context.Context, workspace string) error {
	home, err := s.Home(ctx)
	if err == nil && workspace != home.Workspace {
		err = fmt.Errorf("slack: it is in the workspace %s, and the bot token is of %s: %w", workspace, home.Workspace, channel.ErrGone)
	}
	return err
}

// answer says something to whoever pressed, where they pressed if that is known
// and the app may write there, and otherwise in their conversation with the app.
func (s *Slack) answer(ctx context.Context, to channel.Account, place string, a channel.Answer) error {
	if a.Says == "" && a.OpenURL == "" {
		return nil
	}
	return s.whisper(ctx, to, place, blockkit.Note(a.Says, a.OpenURL))
}

func (s *Slack) whisper(ctx context.Context, to channel.Account, place string, said blockkit.Message) error {
	m := options(said)
	if place != "" {
		_, err := s.api.PostEphemeralContext(ctx, place, to.ID, m...)
		if err = failure(err); err == nil || isRetry(err) {
			return err
		}
	}
	_, _, err := s.api.PostMessageContext(ctx, to.ID, m...)
	if err = failure(err); errors.Is(err, channel.ErrGone) {
		return nil // nobody is left to tell
	}
	return err
}
