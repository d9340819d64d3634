package main

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/desk"
	"github.com/countersignhq/countersign/channel/slack"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/countersignhq/countersign/server/view"
	"github.com/countersignhq/countersign/store"
)

// reconnect is how long to wait after a chat has ended the connection for good.
const reconnect = 30 * time.Second

// A chat is one in which reviewers are asked, with how it is connected: by
// listening, or by what it posts to a path of ours.
type chat struct {
	desk.Chat
	listen  func(context.Context, channel.Desk) error
	path    string
	answer  func(channel.Desk) (http.Handler, error)
	handler http.Handler // what answer gave
}

// connect is the list of the chats that this program can ask in.
func (s *server) connect() (map[string]chat, error) {
	chats := map[string]chat{}
	if cfg := s.cfg.Channels.Slack; cfg != nil {
		c, err := s.slack(cfg)
		if err != nil {
			return nil, err
		}
		chats["slack"] = c
	}
	return chats, nil
}

func (s *server) slack(cfg *config.Slack) (chat, error) {
	set, err := slackConfig(cfg)
	if err != nil {
		return chat{}, err
	}
	set.Console, set.API, set.Log = s.public.String(), s.opt.slackAPI, s.log
	ch, err := slack.New(set)
	if err != nil {
		return chat{}, err
	}
	c := chat{Chat: desk.Chat{
		Channel: ch, Setting: channel.Setting{Regions: cfg.Regions, Console: s.public.String()},
		Routes: []desk.Route{{To: addresses(cfg.To)}},
	}}
	for _, r := range cfg.Routes {
		c.Routes = append(c.Routes, desk.Route{Resources: r.Resources, Groups: r.Groups, To: addresses(r.To)})
	}
	if set.AppToken != "" {
		c.listen = ch.Listen
	} else {
		c.path, c.answer = "/slack", ch.Handler
	}
	return c, nil
}

// slackConfig is the workspace of the configuration with its secrets resolved.
func slackConfig(cfg *config.Slack) (slack.Config, error) {
	set := slack.Config{Workspace: cfg.Workspace, Enterprise: cfg.Enterprise}
	for _, v := range []struct {
		to *string
		of config.Value
	}{{&set.BotToken, cfg.BotToken}, {&set.AppToken, cfg.AppToken}, {&set.SigningSecret, cfg.SigningSecret}} {
		if !v.of.IsReference() {
			continue
		}
		var err error
		if *v.to, err = v.of.Resolve(os.LookupEnv); err != nil {
			return set, failed("docs/slack.md tells where each value is found", "slack: %v", err)
		}
	}
	return set, nil
}

func addresses(to []string) []channel.Address {
	var list []channel.Address
	for _, a := range to {
		list = append(list, channel.Address(a))
	}
	return list
}

// openChannels puts the desk between the gate and the chats. Nothing is sent
// before runChannels.
func (s *server) openChannels(context.Context) error {
	chats, err := s.connect()
	if err != nil {
		return err
	}
	at := map[string]desk.Chat{}
	for name, c := range chats {
		at[name] = c.Chat
	}
	core := desk.Core{
		Get: s.gate.Get, Directory: s.gate.Directory, Link: s.gate.Link, Unlink: s.gate.Unlink,
		Decide: func(ctx context.Context, id countersign.RequestID, d countersign.Decision) (countersign.Request, error) {
			return s.gate.Decide(ctx, gate.Decision{Request: id, Decision: d})
		},
		Inbox: s.inbox,
		Sees: func(d *countersign.Directory, p countersign.Person, r countersign.Request) bool {
			return view.Sees(d, p.Principal(), r)
		},
	}
	s.chats, s.cards = chats, desk.New(s.store, s.store.Ephemeral(), core, at, desk.Config{Log: s.log})
	for name, c := range chats {
		if c.answer == nil {
			continue
		}
		if c.handler, err = c.answer(s.cards.At(name)); err != nil {
			return err
		}
		chats[name] = c
	}
	return nil
}

// mostPages is how many pages of 500 pending requests are looked through for one
// inbox.
const mostPages = 10

// inbox are the requests that the person can decide now, in the order of the
// console's.
func (s *server) inbox(ctx context.Context, p countersign.Person) ([]countersign.Request, error) {
	var pending []countersign.Request
	query := store.Query{Decision: countersign.DecisionPending, Limit: 500}
	for range mostPages {
		page, next, err := s.gate.Search(ctx, query)
		if err != nil {
			return nil, err
		}
		pending = append(pending, page...)
		if query.Cursor = next; next == "" {
			break
		}
	}
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[countersign.RequestID]countersign.Request{}
	for _, r := range pending {
		byID[r.ID] = r
	}
	var mine []countersign.Request
	for _, row := range view.InboxOf(d, p, pending).Mine {
		mine = append(mine, byID[row.ID])
	}
	return mine, nil
}

// dead is what the chats gave up, for the operator.
func (s *server) dead(ctx context.Context) ([]admin.GivenUp, error) {
	all, err := s.cards.Dead(ctx)
	list := []admin.GivenUp{}
	for _, d := range all {
		list = append(list, admin.GivenUp(d))
	}
	return list, err
}

func (s *server) givenUp(ctx context.Context) (int, error) {
	all, err := s.cards.Dead(ctx)
	return len(all), err
}

// runChannels asks and listens until the context ends.
func (s *server) runChannels(ctx context.Context) {
	if len(s.chats) == 0 {
		return
	}
	changes, done := s.gate.Changes()
	defer done()
	var each sync.WaitGroup
	each.Go(func() { s.cards.Run(ctx, changes) })
	for name, c := range s.chats {
		if c.listen == nil {
			continue
		}
		each.Go(func() {
			for ctx.Err() == nil {
				if err := c.listen(ctx, s.cards.At(name)); err != nil && ctx.Err() == nil {
					s.log.Error("a chat is not connected; nothing that is pressed there arrives", "chat", name, "again in", reconnect, "err", err)
				}
				select {
				case <-ctx.Done():
				case <-time.After(reconnect):
				}
			}
		})
	}
	each.Wait()
}
