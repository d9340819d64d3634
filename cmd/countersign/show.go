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
				if err == nil {
					a.t.brief(shown.Brief, time.Now())
				}
				return err
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
