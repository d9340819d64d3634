package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/understand/mcptool"
)

// A listed definition is one that was listed too soon after another to be recorded.
type listed struct {
	Noted  countersign.Digest    `json:"noted"` // what is on record instead
	Digest countersign.Digest    `json:"digest"`
	Claim  countersign.ToolClaim `json:"claim"`
}

// listedLife is how long a definition is kept that no call has asked for and no
// listing has shown since.
const listedLife = 365 * 24 * time.Hour

func listedKey(resource string) string { return "listed:" + resource }

// listedOf are the definitions of the resource's tools that are not on record yet, by
// name, as this process has listed them last, or the one before it. Another process
// over the store lists what its own upstream has. It is for who holds g.listing.
func (g *Gate) listedOf(ctx context.Context, resource string) (map[string]listed, error) {
	if kept, ok := g.newer[resource]; ok {
		return kept, nil
	}
	kept := map[string]listed{}
	e, err := g.store.Ephemeral().Get(ctx, listedKey(resource))
	if err == nil {
		err = json.Unmarshal(e.Value, &kept)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	g.newer[resource] = kept
	return kept, nil
}

// keepListed keeps what a listing has shown of the tools: late are those of them whose
// definition is not recorded yet.
func (g *Gate) keepListed(ctx context.Context, resource string, seen map[string]countersign.Digest, late map[string]listed) error {
	g.listing.Lock()
	defer g.listing.Unlock()
	old, err := g.listedOf(ctx, resource)
	if err != nil {
		return err
	}
	kept := maps.Clone(old)
	maps.DeleteFunc(kept, func(tool string, _ listed) bool { _, shown := seen[tool]; return shown })
	maps.Copy(kept, late)
	if len(kept) == 0 && len(old) == 0 {
		return nil
	}
	b, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	delete(g.newer, resource)
	return g.store.Ephemeral().Put(ctx, store.Entry{Key: listedKey(resource), Subject: resource, Value: b, Expires: g.cfg.Now().Add(listedLife)})
}

// catchUp records what the tool that the command calls has become since the record
// tells of it, so that what is judged, approved and released is what would run.
func (g *Gate) catchUp(ctx context.Context, c countersign.Command) error {
	call, ok := c.(countersign.MCPRequest)
	if !ok {
		return nil
	}
	_, err := g.recordListed(ctx, call.Resource, func(tool string) bool {
		called, ok := mcptool.Tool(call)
		return ok && called == tool
	})
	return err
}

// recordListed records the definitions of the tools that were listed and are not on
// record yet, and reports whether there were any.
func (g *Gate) recordListed(ctx context.Context, name string, of func(tool string) bool) (recorded bool, err error) {
	g.listing.Lock()
	all, err := g.listedOf(ctx, name)
	g.listing.Unlock()
	if err != nil {
		return false, unavailable(fmt.Errorf("read what was listed of %s: %w", name, err))
	}
	late := maps.Clone(all)
	maps.DeleteFunc(late, func(tool string, _ listed) bool { return !of(tool) })
	if len(late) == 0 {
		return false, nil
	}
	err = g.direct(ctx, gateway(), func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		r, ok := d.Resources[name]
		r.Changed, r.Claims = clone(r.Changed), clone(r.Claims)
		recorded = false
		for tool, now := range late {
			if !ok || definition(r, tool) != now.Noted {
				continue // another was recorded since
			}
			recorded = true
			r.Claims[tool] = now.Claim
			if r.Changed[tool] = now.Digest; now.Digest == r.Pins[tool] {
				delete(r.Changed, tool)
			}
		}
		if !recorded {
			return "", nil, nil
		}
		return countersign.ResourceID(name), countersign.ResourceChanged{Resource: r, Because: "listing"}, nil
	})
	return recorded, err
}

// definition is the digest of the tool's definition that is on record, zero if none is.
func definition(r countersign.Resource, tool string) countersign.Digest {
	if changed, ok := r.Changed[tool]; ok {
		return changed
	}
	return r.Pins[tool]
}
