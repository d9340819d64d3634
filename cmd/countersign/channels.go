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
	values := make([]string, 3)
	for i, v := range []config.Value{cfg.BotToken, cfg.AppToken, cfg.SigningSecret} {
		if !v.IsReference() {
			continue
		}
		var err error
		if values[i], err = v.Resolve(os.LookupEnv); err != nil {
			return chat{}, failed("docs/slack.md tells where each value is found", "slack: %v", err)
		}
	}
	ch, err := slack.New(slack.Config{
		BotToken: values[0], AppToken: values[1], SigningSecret: values[2], Workspace: cfg.Workspace,
		Console: s.public.String(), API: s.opt.slackAPI, Log: s.log,
	})
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
	if values[1] != "" {
		c.listen = ch.Listen
	} else {
		c.path, c.answer = "/slack", ch.Handler
	}
	return c, nil
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
		Decide: func(ctx context.Context, id, link countersign.RequestID, d countersign.Decision) (countersign.Request, error) {
			return s.gate.Decide(ctx, gate.Decision{Request: id, Link: link, Decision: d})
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
