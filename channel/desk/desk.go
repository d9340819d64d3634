// Package desk runs the chats: it posts and edits the cards of requests, keeps
// what people do with them until it has been worked on, and takes their choices
// to the gate. New makes a Desk, At is what a chat is given, and Run works.
//
// copies.go brings cards up to date, inbox.go receives, press.go decides, ask.go
// answers, links.go links accounts, remind.go and notices.go tell people, route.go
// says where cards go, again.go tries again, hush.go waits where a chat says so,
// dead.go keeps what no try could do. What is to be done lies in store.Jobs and what
// was done in store.Ephemeral, so that any number of processes may run it over one
// store.
package desk

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/identity/chat"
	"github.com/countersignhq/countersign/store"
)

// A Core is what a desk needs of the gate.
type Core struct {
	Get       func(context.Context, countersign.RequestID) (countersign.Request, error)
	Directory func(context.Context) (*countersign.Directory, error)
	// Decide takes a choice that came through the account of its Link.
	Decide func(context.Context, countersign.RequestID, countersign.Decision) (countersign.Request, error)
	Link   func(context.Context, countersign.Who, countersign.Link) error
	Unlink func(ctx context.Context, who countersign.Who, id countersign.RequestID, because string) error
	// Inbox are the pending requests that the person can decide now, the most
	// urgent first.
	Inbox func(ctx context.Context, p countersign.Person) ([]countersign.Request, error)
	// Sees reports whether the person may see the request.
	Sees func(d *countersign.Directory, p countersign.Person, r countersign.Request) bool
}

// A Chat is one that cards are posted to.
type Chat struct {
	Channel channel.Channel
	Setting channel.Setting
	Routes  []Route
}

// Config is what a desk may be told. Its zero value works.
type Config struct {
	// Now is the clock that the store also has. Defaults to time.Now.
	Now func() time.Time
	// Log defaults to slog.Default. Payloads never reach it.
	Log *slog.Logger
}

// A Desk runs the chats of one store.
type Desk struct {
	jobs  store.Jobs
	kept  store.Ephemeral
	core  Core
	chats map[string]Chat // by name: "slack"
	codes *chat.Codes
	cfg   Config
	woken chan struct{}
	hush  hush
}

// New returns a desk for the chats by name. The name stands in decisions, links
// and records: "slack".
func New(jobs store.Jobs, kept store.Ephemeral, core Core, chats map[string]Chat, cfg Config) *Desk {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Desk{
		jobs: jobs, kept: kept, core: core, chats: chats, codes: chat.New(kept, cfg.Now), cfg: cfg,
		woken: make(chan struct{}, 1), hush: hush{until: map[queue]time.Time{}},
	}
}

// At is the desk of one chat.
func (d *Desk) At(chat string) channel.Desk { return &window{d, chat, d.chats[chat], ""} }

// A window is the desk as one chat sees it.
type window struct {
	*Desk
	name     string
	chat     Chat
	delivery string // that is being worked on; empty: none
}

// Wake has Run look at once. It never blocks.
func (d *Desk) Wake() {
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// Run works until the context ends: at once when it is woken or when changes are
// told of, and about once a second.
func (d *Desk) Run(ctx context.Context, changes <-chan struct{}) {
	var each sync.WaitGroup
	for _, w := range []struct {
		work func(context.Context) (int, error)
		wake <-chan struct{}
	}{{d.WorkInbox, d.woken}, {d.WorkCards, changes}, {d.WorkReminders, nil}, {d.WorkNotices, nil}} {
		each.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for ctx.Err() == nil {
				n, err := w.work(ctx)
				if err != nil && ctx.Err() == nil {
					d.cfg.Log.Warn("cards are late", "err", err)
				}
				if n > 0 && err == nil {
					continue
				}
				select {
				case <-ctx.Done():
				case <-w.wake:
				case <-tick.C:
				}
			}
		})
	}
	each.Wait()
}
