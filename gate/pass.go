package gate

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/understand/mcptool"
)

// Pass answers one of the methods that are no commands, over the upstream's one
// session. A listing of tools also pins what it shows for the first time, and
// notes what is not as pinned.
func (g *Gate) Pass(ctx context.Context, by countersign.Principal, name, method string, params []byte) ([]byte, error) {
	d, err := g.Directory(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := resource(d, name); err != nil {
		return nil, err
	}
	up, ok := g.cfg.Executors[name].(Passer)
	if !ok {
		return nil, &countersign.Error{Code: countersign.CodeUnavailable, Detail: fmt.Sprintf("no upstream of this server answers for %s", name), Hint: "add it to the configuration"}
	}
	answer, err := up.Pass(ctx, method, params)
	if err != nil {
		return nil, &countersign.Error{Code: countersign.CodeUnavailable, Detail: fmt.Sprintf("%s on %s: %v", method, name, err), Hint: "countersign doctor tells what is wrong"}
	}
	g.cfg.Log.Info("passed", "agent", by.ID, "resource", name, "method", method, "bytes", len(answer))
	if _, refused := canon.Member(answer, "error"); method == "tools/list" && !refused {
		if err := g.learn(ctx, name, answer); err != nil {
			return nil, unavailable(err)
		}
	}
	return answer, nil
}

const (
	// mostTools is how many tools of one resource are pinned. A pin is never taken
	// back: a tool that left and came back otherwise would pass for a new one.
	mostTools = 1000
	// relearn is how long what is listed anew of tools that are not as pinned already
	// is not recorded again, unless they are called: a server could fill the record with it.
	relearn = time.Minute
)

// learn pins the tools that a listing shows for the first time, and notes those
// whose definition is not their pin.
func (g *Gate) learn(ctx context.Context, name string, listing []byte) error {
	seen, claims, err := mcptool.Pins(listing)
	if err != nil {
		return fmt.Errorf("read the tools of %s: %w", name, err)
	}
	recorded := false
	late := map[string]listed{}
	err = g.direct(ctx, gateway(), func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		r, err := resource(d, name)
		if err != nil {
			return "", nil, err
		}
		old := r
		clear(late)
		soon := g.now().Sub(g.learntAt(name)) < relearn
		r.Pins, r.Changed, r.Claims = clone(r.Pins), clone(r.Changed), clone(r.Claims)
		for tool, digest := range seen {
			pin, pinned := r.Pins[tool]
			noted, changed := r.Changed[tool]
			switch {
			case !pinned && len(r.Pins) >= mostTools:
				return "", nil, &countersign.Error{
					Code: countersign.CodeUnavailable, Detail: fmt.Sprintf("%s has listed more than %d tools, and %.80q is not pinned", name, mostTools, tool),
					Hint: "have the server list fewer, or give it a new name in the configuration",
				}
			case !pinned:
				r.Pins[tool] = digest
			case changed && soon:
				if digest != noted {
					late[tool] = listed{noted, digest, claims[tool]}
				}
				continue // it stays noted as it is
			case pin != digest:
				r.Changed[tool] = digest
			default:
				delete(r.Changed, tool)
			}
			r.Claims[tool] = claims[tool]
		}
		if recorded = !same(old, r); !recorded {
			return "", nil, nil
		}
		return countersign.ResourceID(name), countersign.ResourceChanged{Resource: r, Because: "listing"}, nil
	})
	if err != nil {
		return err
	}
	if recorded {
		g.mu.Lock()
		g.learnt[name] = g.now()
		g.mu.Unlock()
	}
	return g.keepListed(ctx, name, seen, late)
}

// learntAt is when a listing of the resource was last recorded, since the start.
func (g *Gate) learntAt(name string) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.learnt[name]
}

// same reports whether two resources are recorded alike.
func same(a, b countersign.Resource) bool {
	one, err := canon.Marshal(a)
	two, err2 := canon.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(one, two)
}

func clone[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}
