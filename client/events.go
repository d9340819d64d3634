package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"
)

// Events gives what is recorded that the caller may see, in the order of the
// log, from the event after the one named (an Event's Index or a Page's After)
// or, with "", from now on. A connection that breaks is made again where it
// was, so nothing is missed. It ends when the context does, without an error, or
// with the *Problem that the server refuses it with.
func (c *Client) Events(ctx context.Context, after string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		last := after
		for ctx.Err() == nil {
			before := last
			err := c.stream(ctx, &last, func(e Event) bool { return yield(e, nil) })
			if errors.Is(err, errStopped) || ctx.Err() != nil {
				return
			}
			if p, ok := errors.AsType[*Problem](err); ok && p.Status < 500 {
				yield(Event{}, p)
				return
			}
			if last != before {
				continue
			}
			select { // nothing came: the server is not there, or not yet
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

var errStopped = errors.New("the reader has enough")

// stream reads one connection's events, and moves last along.
func (c *Client) stream(ctx context.Context, last *string, yield func(Event) bool) error {
	headers := http.Header{"Accept": {"text/event-stream"}}
	if *last != "" {
		headers.Set("Last-Event-ID", *last)
	}
	resp, err := c.do(ctx, http.MethodGet, "/v1/events", headers, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	id, data := *last, ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			*last = id
			if data == "" {
				continue
			}
			var e Event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				return fmt.Errorf("event %s: %w", id, err)
			}
			data = ""
			if !yield(e) {
				return errStopped
			}
		case field == "id":
			id = value
		case field == "data":
			data += value
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}
