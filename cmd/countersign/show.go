package main

import (
	"context"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	layout "github.com/countersignhq/countersign/brief/terminal"
	"github.com/spf13/cobra"
)

func newShow(a *at) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one request as reviewers see it", Args: takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !asJSON {
				shown, err := a.brief(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				a.t.brief(shown.Brief, time.Now())
				return a.ways(cmd.Context(), shown.Brief)
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			r, err := c.Get(cmd.Context(), args[0], 0, 0)
			if err != nil {
				return err
			}
			return a.t.json(r)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the request as one JSON object")
	return cmd
}

// A shown is a Brief with the digest that a decision on it carries.
type shown struct {
	brief.Brief
	ViewDigest string `json:"view_digest"`
}

func (a *at) brief(ctx context.Context, id string) (shown, error) {
	return get[shown](ctx, a, "/v1/requests/"+id+"/brief")
}

// ways says how to decide what waits.
func (a *at) ways(ctx context.Context, b brief.Brief) error {
	if b.State.Decision != countersign.DecisionPending {
		return nil
	}
	page, err := a.page(ctx, string(b.ID))
	if err != nil {
		return err
	}
	a.t.print("")
	a.t.print("reject     countersign reject %s --reason \"...\"", b.ID)
	if b.Approvable {
		a.t.print("approve    with a %s, at %s", strongest(b.Deciders.Stages), page)
	}
	return nil
}

func strongest(stages []brief.Stage) countersign.Assurance {
	most := countersign.Chat
	for _, s := range stages {
		if s.Assurance.Meets(most) {
			most = s.Assurance
		}
	}
	return most
}

// brief prints the Brief, in colour where there is some.
func (t *terminal) brief(b brief.Brief, now time.Time) {
	for _, line := range layout.Lines(b, layout.Screen{Width: t.width, Now: now}) {
		var out strings.Builder
		for _, span := range line {
			out.WriteString(t.paint(spanColour(span), span.Text))
		}
		t.print("%s", strings.TrimRight(out.String(), " "))
	}
}

func spanColour(s brief.Span) string {
	switch s.Role {
	case brief.Strong:
		return bold
	case brief.Hidden:
		return red
	case brief.Marked:
		return colourOf(max(s.Severity, countersign.Info))
	}
	return ""
}
