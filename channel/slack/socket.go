package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/countersignhq/countersign/channel"
)

// mostReceived is the largest delivery that a desk keeps, and a little for the
// frame around it.
const mostReceived = 300 << 10

// Listen receives what is pressed over a socket (Socket Mode) until the context
// ends, connecting again whenever Slack ends the connection. It returns earlier
// only with an error that trying again does not mend, such as a revoked token.
func (s *Slack) Listen(ctx context.Context, desk channel.Desk) error {
	if s.config.AppToken == "" {
		return errors.New("slack: Socket Mode needs an app token; docs/slack.md tells how to make one")
	}
	home, err := s.Home(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	socket := socketmode.New(s.api, socketmode.OptionReadLimit(mostReceived))
	ended := make(chan error, 1)
	go func() { ended <- socket.RunContext(ctx) }()
	for {
		select {
		case e := <-socket.Events:
			if err := s.event(ctx, home, socket, desk, e); err != nil {
				return err
			}
		case err := <-ended:
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("slack: the socket: %w", failure(err))
		}
	}
}

func (s *Slack) event(ctx context.Context, home Home, socket *socketmode.Client, desk channel.Desk, e socketmode.Event) error {
	switch e.Type {
	case socketmode.EventTypeHello:
		if app := e.Request.ConnectionInfo.AppID; app != home.App {
			return fmt.Errorf("slack: the app token is of the app %q and the bot token of %s; use those of one app", app, home.App)
		}
	case socketmode.EventTypeConnectionError:
		var why error
		if failed, ok := e.Data.(*slack.ConnectionErrorEvent); ok {
			why = failed.ErrorObj
		}
		s.config.Log.Warn("slack: the socket cannot be opened and is tried again", "error", why)
	case socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		s.receive(ctx, socket, desk, *e.Request)
	case socketmode.EventTypeEventsAPI:
		s.acknowledge(ctx, socket, e.Request.EnvelopeID) // the app subscribes to none
	case socketmode.EventTypeErrorBadMessage:
		// The library refuses a payload of which any part is new to it; what is read
		// of one here is little.
		bad, ok := e.Data.(*socketmode.ErrorBadMessage)
		var r socketmode.Request
		if !ok || json.Unmarshal(bad.Message, &r) != nil || r.Type != kindInteractive && r.Type != kindCommand {
			s.config.Log.Warn("slack: an envelope that nobody can read")
			return nil
		}
		s.receive(ctx, socket, desk, r)
	}
	return nil
}

// receive keeps an envelope and then acknowledges it. Slack sends again what is
// not acknowledged within three seconds.
func (s *Slack) receive(ctx context.Context, socket *socketmode.Client, desk channel.Desk, r socketmode.Request) {
	body, err := json.Marshal(envelope{ID: r.EnvelopeID, Type: r.Type, Payload: r.Payload})
	if err == nil {
		err = desk.Receive(ctx, channel.Delivery{ID: r.EnvelopeID, Body: body})
	}
	if err != nil {
		s.config.Log.Error("slack: an envelope could not be kept, so it is not acknowledged", "envelope", r.EnvelopeID, "error", err)
		return
	}
	s.acknowledge(ctx, socket, r.EnvelopeID)
}

func (s *Slack) acknowledge(ctx context.Context, socket *socketmode.Client, id string) {
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	if err := socket.AckCtx(ctx, id, nil); err != nil {
		s.config.Log.Warn("slack: an envelope was kept and not acknowledged; it will come again", "envelope", id, "error", err)
	}
}
