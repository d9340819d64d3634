package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

var _ store.Counter = (*Store)(nil)

// Census implements store.Counter.
func (s *Store) Census(ctx context.Context) (store.Census, error) {
	if err := s.enter(ctx); err != nil {
		return store.Census{}, err
	}
	defer s.mu.Unlock()
	var c store.Census
	for _, id := range s.data.order {
		sub := s.data.subjects[id]
		switch sub.head.State.Execution {
		case countersign.ExecutionRunning:
			c.Running++
		case countersign.ExecutionUnknown:
			c.Unknown++
		}
		if sub.head.State.Decision != countersign.DecisionPending {
			continue
		}
		if c.Pending++; c.Pending == 1 {
			c.Oldest = sub.created
		}
	}
	c.Jobs = s.backlogs()
	return c, nil
}

// backlogs counts the jobs. The caller holds mu.
func (s *Store) backlogs() []store.Backlog {
	now := s.cfg.Now()
	kinds := map[string]*store.Backlog{}
	for key, j := range s.data.jobs {
		b := kinds[key.kind]
		if b == nil {
			b = &store.Backlog{Kind: key.kind}
			kinds[key.kind] = b
		}
		b.Jobs++
		if j.Due.After(now) {
			continue
		}
		if b.Due++; b.Since.IsZero() || j.Due.Before(b.Since) {
			b.Since = j.Due
		}
	}
	var list []store.Backlog
	for _, b := range kinds {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b store.Backlog) int { return cmp.Compare(a.Kind, b.Kind) })
	return list
}
