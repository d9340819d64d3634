package main

import (
	"context"
	"os/exec"
	"runtime"
	"time"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

func newApprove(a *at) *cobra.Command {
	var noWait, noBrowser bool
	cmd := &cobra.Command{
		Use: "approve ID", Short: "Show a request and its page, and wait for the decision there",
		Long: `Shows the request, opens its page where there is a display, and waits until it is
settled. It never approves: no credential that a program can keep does. Approving
ends in the browser, as the person who does it.

Exits with 0 once it is approved, with 1 if it is not, with 8 if --no-wait is given
and it is still pending.`,
		Args: takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.approve(cmd.Context(), args[0], noWait, noBrowser)
		},
	}
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait for the decision")
	cmd.Flags().BoolVar(&noBrowser, "no-browser", false, "open no browser")
	return cmd
}

func (a *at) approve(ctx context.Context, id string, noWait, noBrowser bool) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	b, err := a.brief(ctx, id)
	if err != nil {
		return err
	}
	a.t.brief(b.Brief, time.Now())
	r, err := c.Get(ctx, id, 0, 0)
	if err != nil {
		return err
	}
	if r.Decision != client.DecisionPending {
		return a.approved(r)
	}
	page, err := a.page(ctx, id)
	if err != nil {
		return err
	}
	a.t.say("decide it at %s", page)
	if !noBrowser {
		openBrowser(a.t, page)
	}
	if noWait {
		return exit(exitPending)
	}
	for r.Decision == client.DecisionPending {
		if r, err = c.Get(ctx, id, r.Version, 25*time.Second); err != nil {
			return err
		}
	}
	return a.approved(r)
}

// approved says how the decision came out.
func (a *at) approved(r client.Request) error {
	says := r.Decision
	for _, d := range r.Decisions {
		if d.Void == "" && d.Choice != "escalate" {
			says += " by " + oneLine(d.By.Name)
			break
		}
	}
	a.t.say("%s", says)
	if r.Decision == client.DecisionApproved || r.Decision == client.DecisionAllowed {
		return nil
	}
	return exit(exitFailed)
}

// page is the address of the request's page, as people reach it.
func (a *at) page(ctx context.Context, id string) (string, error) {
	if url := a.remote(); url != "" {
		return url + "/r/" + id, nil
	}
	s, err := get[admin.Server](ctx, a, "/v1/server")
	return s.PublicURL + "/r/" + id, err
}

// hasDisplay reports whether a browser that is opened here would be seen by
// whoever sits there.
func (t *terminal) hasDisplay() bool {
	if t.get("SSH_CONNECTION") != "" || t.get("SSH_TTY") != "" || !t.errIsScreen {
		return false
	}
	return runtime.GOOS == "darwin" || t.get("DISPLAY") != "" || t.get("WAYLAND_DISPLAY") != ""
}

// openBrowser opens a page where there is a display. That it fails is no news to
// whoever has read the address.
func openBrowser(t *terminal, url string) {
	if !t.hasDisplay() {
		return
	}
	program := "xdg-open"
	if runtime.GOOS == "darwin" {
		program = "open"
	}
	if cmd := exec.Command(program, url); cmd.Start() == nil {
		go cmd.Wait()
	}
}
