package main

import (
	"context"
	"fmt"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	layout "github.com/countersignhq/countersign/brief/terminal"
	"github.com/countersignhq/countersign/client"
	"github.com/spf13/cobra"
)

func newLs(a *at) *cobra.Command {
	var q client.Query
	var all, asJSON bool
	var since time.Duration
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List what waits for people",
		Long: `Lists the requests that wait for people, the newest first. Off a terminal the
columns are separated by tabs: severity, id, what, approvals, time left or state.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if q.Decision == "" && !all {
				q.Decision = client.DecisionPending
			}
			if since > 0 {
				q.Since = time.Now().Add(-since)
			}
			return a.ls(cmd.Context(), q, asJSON)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&all, "all", false, "also what is settled")
	f.StringVar(&q.Decision, "decision", "", "pending, approved, rejected, expired, withdrawn, denied or allowed")
	f.StringVar(&q.Execution, "execution", "", "none, running, succeeded, failed or unknown")
	f.StringVar(&q.Resource, "resource", "", "of this resource only")
	f.StringVar(&q.Requester, "requester", "", "of this agent only, by its id")
	f.DurationVar(&since, "since", 0, "of the last so long: 24h")
	f.IntVar(&q.Limit, "limit", 50, "at most so many")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (a *at) ls(ctx context.Context, q client.Query, asJSON bool) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	found, more, err := pages(ctx, c, q)
	if err != nil {
		return err
	}
	if asJSON {
		for _, r := range found {
			if err := a.t.json(r); err != nil {
				return err
			}
		}
		return nil
	}
	a.t.requests(found, time.Now())
	if a.t.outIsScreen {
		a.t.say("%s", listed(len(found), more, q))
	}
	return nil
}

// pages reads on until the limit, or the end.
func pages(ctx context.Context, c *client.Client, q client.Query) (found []client.Request, more bool, err error) {
	limit := q.Limit
	for {
		q.Limit = min(max(limit-len(found), 1), 200)
		page, err := c.List(ctx, q)
		if err != nil {
			return nil, false, err
		}
		found = append(found, page.Requests...)
		if q.Cursor = page.Next; q.Cursor == "" || len(found) >= limit {
			return found[:min(len(found), limit)], q.Cursor != "", nil
		}
	}
}

func listed(n int, more bool, q client.Query) string {
	says := count(n, "request")
	if q.Decision == client.DecisionPending {
		if n == 0 {
			return "nothing waits (--all shows what is settled)"
		}
		says = count(n, "request") + " wait"
		if n == 1 {
			says = "1 request waits"
		}
		says += " for people; countersign show ID tells of one"
	}
	if more {
		says += "; there are more (--limit)"
	}
	return says
}

// requests lists requests as rows.
func (t *terminal) requests(list []client.Request, now time.Time) {
	tb := t.table("RISK", "ID", "WHAT", "NEEDS", "LEFT")
	for _, r := range list {
		severity, colour := severityOf(r)
		tb.row(
			cell{fmt.Sprintf("%-3s %s", layout.Shape(severity), severity), colour, severity.String()},
			cell{text: r.ID, colour: bold},
			cell{text: summary(r)},
			cell{text: votes(r)},
			waits(r, now),
		)
	}
	tb.flush()
}

// waits is the time left of what waits, and the state of what does not.
func waits(r client.Request, now time.Time) cell {
	if r.Decision != client.DecisionPending || r.ExpiresAt.IsZero() {
		return cell{text: state(r)}
	}
	time, whole := r.ExpiresAt.Sub(now), r.ExpiresAt.Sub(r.CreatedAt)
	c := cell{text: left(time)}
	if time < whole/5 {
		c.colour = yellow
	}
	return c
}

// state is one word of the two: what was decided until it ran, then how it went.
func state(r client.Request) string {
	if r.Execution != client.ExecutionNone && r.Execution != "" {
		return r.Execution
	}
	return r.Decision
}

func severityOf(r client.Request) (countersign.Severity, string) {
	severity := countersign.Critical
	if err := severity.UnmarshalText([]byte(r.Facts.Severity)); err != nil {
		severity = countersign.Critical
	}
	return severity, colourOf(severity)
}

func colourOf(s countersign.Severity) string {
	switch {
	case s >= countersign.High:
		return red
	case s == countersign.Medium:
		return yellow
	}
	return ""
}

// votes is "0/2": approvals that count, of those that are needed.
func votes(r client.Request) string {
	if r.Verdict.Requirement == nil {
		return "-"
	}
	yes, needed := 0, 0
	for _, d := range r.Decisions {
		if d.Choice == string(countersign.Approve) && d.Void == "" {
			yes++
		}
	}
	for _, s := range r.Verdict.Requirement.Stages {
		needed += s.Quorum
	}
	return fmt.Sprintf("%d/%d", yes, needed)
}

// summary says what the request is about, in the words of its Brief.
func summary(r client.Request) string {
	in := countersign.Request{
		Resource: countersign.Resource{Name: r.Resource.Name},
		Facts:    countersign.Facts{Tool: r.Facts.Tool, Verbs: r.Facts.Verbs, Certainty: countersign.Certainty(r.Facts.Certainty)},
	}
	if r.Command.Kind == countersign.KindMCPRequest {
		in.Command = countersign.MCPRequest{Resource: r.Resource.Name, Method: r.Command.Method, Params: []byte(r.Command.Params)}
	}
	if o := r.Facts.Objects; r.Command.Kind == countersign.KindControl && len(o) == 1 {
		in.Command = countersign.Control{Entity: countersign.RequestID(o[0].Name), From: 1}
	}
	return brief.Summary(in).String()
}
