package desk

import (
	"errors"
	"sync"
	"time"

	"github.com/countersignhq/countersign/channel"
)

// A queue is what goes to one place or account of a chat.
type queue struct {
	chat string
	to   channel.Address
}

// A hush keeps what a chat said about waiting: until when nothing goes to the same
// place or account. Another process is told so itself.
type hush struct {
	mu    sync.Mutex
	until map[queue]time.Time // guarded by mu
}

// speak calls the chat, unless it said to wait with what goes there.
func (d *Desk) speak(to queue, call func() error) error {
	now := d.cfg.Now()
	d.hush.mu.Lock()
	until, waits := d.hush.until[to]
	if waits && !now.Before(until) {
		delete(d.hush.until, to)
	}
	d.hush.mu.Unlock()
	if now.Before(until) {
		return &channel.RetryError{After: until.Sub(now), Err: errors.New("the chat said to wait with what goes there")}
	}
	err := call()
	if wait, told := errors.AsType[*channel.RetryError](err); told {
		d.hush.mu.Lock()
		defer d.hush.mu.Unlock()
		d.hush.until[to] = d.cfg.Now().Add(wait.After)
	}
	return err
}
