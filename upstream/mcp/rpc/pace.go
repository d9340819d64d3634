package rpc

import (
	"context"
	"time"
)

const (
	shortRest = 2 * time.Second
	longRest  = time.Minute
)

// A Pace keeps a server that says the same again and again from being taken at its
// word each time. The first turn comes at once; each that is wanted soon after the
// one before waits twice as long, up to a minute. The zero value works.
type Pace struct {
	last time.Time
	rest time.Duration
}

// Wait waits for the next turn, and returns false if the context ended first.
func (p *Pace) Wait(ctx context.Context) bool {
	if time.Since(p.last) > 2*p.rest {
		p.rest = 0
	}
	rest := time.NewTimer(p.rest - time.Since(p.last))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
		return false
	}
	p.last, p.rest = time.Now(), min(longRest, max(shortRest, 2*p.rest))
	return true
}
