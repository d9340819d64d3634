package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign/client"
	"github.com/spf13/cobra"
)

func newWatch(a *at) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "watch [ID]", Short: "Print a line for each change, until interrupted",
		Long: `Prints one line for each thing that is recorded: the time, what happened, to what,
and how it stands. With an ID it begins with what is on record and ends when the
request is settled. Exits with 2 when interrupted.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.watch(cmd.Context(), strings.Join(args, ""), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (a *at) watch(ctx context.Context, id string, asJSON bool) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	page, err := c.List(ctx, client.Query{Limit: 1})
	if err != nil {
		return err
	}
	if id != "" {
		r, err := c.Get(ctx, id, 0, 0)
		if err != nil || r.Settled() {
			return errors.Join(err, a.settled(r, asJSON))
		}
	}
	a.t.say("watching; Ctrl-C stops it")
	for e, err := range c.Events(ctx, page.After) {
		if err != nil {
			return err
		}
		if id != "" && e.Request != id {
			continue
		}
		if err := a.change(e, asJSON); err != nil {
			return err
		}
		r := client.Request{Decision: e.Decision, Execution: e.Execution}
		if id != "" && r.Settled() {
			return nil
		}
	}
	return context.Cause(ctx)
}

func (a *at) settled(r client.Request, asJSON bool) error {
	if asJSON {
		return a.t.json(r)
	}
	a.t.print("%s %s %s", r.UpdatedAt.UTC().Format(time.RFC3339), state(r), r.ID)
	return nil
}

// change prints one event: time, what happened, to what, how it stands.
func (a *at) change(e client.Event, asJSON bool) error {
	if asJSON {
		return a.t.json(e)
	}
	line := fmt.Sprintf("%s %s %s", e.At.UTC().Format(time.RFC3339), e.Kind, a.t.paint(bold, oneLine(e.Request+e.Entity)))
	if e.Decision != "" {
		line += " " + e.Decision
	}
	if e.Execution != "" && e.Execution != client.ExecutionNone {
		line += " " + e.Execution
	}
	a.t.print("%s", line)
	return nil
}
