package gate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// maxHaltReason is in bytes.
const maxHaltReason = 1000

// Halt has everything held that the agent asks for from now on, or that all agents
// do (countersign.AllAgents): what the policy allows waits for people, and what
// they have approved is not released. Every active person may do it, and the
// operator, at once. An agent of which everything is held already stays as it is.
func (g *Gate) Halt(ctx context.Context, who countersign.Who, agent, reason string) error {
	return g.setHalt(ctx, who, countersign.Halt{Agent: agent, On: true, Reason: reason})
}

// Lift ends a halt. It gives rights back, so it is a change of the control plane
// like any other: once two people have passkeys it waits for two, and the error is
// a *HeldError. What waited stays held under what it was held for.
func (g *Gate) Lift(ctx context.Context, who countersign.Who, agent, reason string) error {
	return g.setHalt(ctx, who, countersign.Halt{Agent: agent, Reason: reason})
}

func (g *Gate) setHalt(ctx context.Context, who countersign.Who, h countersign.Halt) error {
	h.Reason = strings.TrimSpace(h.Reason)
	if len(h.Reason) > maxHaltReason {
		return &countersign.Error{Code: countersign.CodeBadRequest, Detail: fmt.Sprintf("the reason is longer than %d bytes", maxHaltReason), Hint: "say it shorter"}
	}
	return g.change(ctx, who, h.Reason, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		if h.On && d.Halts[h.Agent].On {
			return "", nil, nil
		}
		return countersign.HaltID(h.Agent), countersign.HaltChanged{Halt: h}, nil
	})
}

// stopped says in words why everything of the principals is held, empty if it is
// not.
func stopped(d *countersign.Directory, by countersign.Principal, chain []countersign.Principal) string {
	h, on := d.HaltOf(by, chain)
	if !on {
		return ""
	}
	whose := "of " + by.Name
	if h.Agent == countersign.AllAgents {
		whose = "of all agents"
	}
	says := fmt.Sprintf("Everything %s is held since %s, by %s.", whose, h.Since.UTC().Format("2006-01-02 15:04 UTC"), h.By.Name)
	if h.Reason != "" {
		says += " They say: " + h.Reason
	}
	return says
}

// halted waits while everything of who asks is held, and reports whether nobody
// waits for it any more. An approved request then stays approved as long as its
// approval lives.
func (g *Gate) halted(ctx context.Context, ended <-chan struct{}, r countersign.Request) (waits bool, err error) {
	changed, done := g.hub.Register("")
	defer done()
	look := time.NewTicker(time.Second) // a wake is a hint; the directory is the truth
	defer look.Stop()
	for {
		d, err := g.Directory(ctx)
		if err != nil || stopped(d, r.Requester, r.OnBehalfOf) == "" {
			return false, err
		}
		if now, err := g.Get(ctx, r.ID); err != nil || now.Version != r.Version {
			return false, err
		}
		select {
		case <-ended:
			return true, nil
		case <-g.drained:
			return true, nil
		case <-changed:
		case <-look.C:
		}
	}
}
