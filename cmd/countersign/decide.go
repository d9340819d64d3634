package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

// choosing are the flags of reject and escalate.
type choosing struct {
	as, reason, to string
	json           bool
}

func newReject(a *at) *cobra.Command {
	var c choosing
	cmd := &cobra.Command{
		Use: "reject ID --reason TEXT [--as PERSON]", Aliases: []string{"deny"}, Short: "Refuse a request",
		Long: `Refuses a request for good, in the name of a person. It is recorded as theirs,
made over the admin socket. The agent is told the reason.`,
		Args: takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.choose(cmd.Context(), args[0], countersign.Reject, c)
		},
	}
	c.flags(cmd)
	return cmd
}

func newEscalate(a *at) *cobra.Command {
	var c choosing
	cmd := &cobra.Command{
		Use: "escalate ID --to GROUP --reason TEXT [--as PERSON]", Short: "Ask another group as well",
		Long: `Adds a stage to a request: one of the group must approve it too. It never lowers
what the policy asks for.`,
		Args: takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.to == "" {
				return failed(cmd.UseLine(), "--to is missing: say which group shall decide too")
			}
			return a.choose(cmd.Context(), args[0], countersign.Escalate, c)
		},
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&c.to, "to", "", "the group that shall decide too")
	return cmd
}

func (c *choosing) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.as, "as", "", "the person whose choice it is")
	cmd.Flags().StringVar(&c.reason, "reason", "", "why, in a sentence")
	cmd.Flags().BoolVar(&c.json, "json", false, "print the request as one JSON object")
}

// choose hands in a choice about the request as it is now.
func (a *at) choose(ctx context.Context, id string, choice countersign.Choice, c choosing) error {
	if strings.TrimSpace(c.reason) == "" {
		return failed("say why in a sentence; the agent sees it", "--reason is missing")
	}
	as, err := a.person(ctx, c.as)
	if err != nil {
		return err
	}
	r, err := get[client.Request](ctx, a, "/v1/requests/"+id)
	if err != nil {
		return err
	}
	after, err := operate[client.Request](ctx, a, http.MethodPost, "/v1/requests/"+id+"/decisions", admin.Choice{
		Choice: client.Choice{Choice: string(choice), Digest: r.Digest, ViewDigest: r.ViewDigest, Reason: c.reason, To: c.to},
		As:     as,
	})
	if err != nil {
		return err
	}
	if c.json {
		return a.t.json(after)
	}
	a.t.print("%s  %s by %s", a.t.paint(bold, after.ID), past(choice), oneLine(as))
	return nil
}

// person is whom a choice is made for: the one named, or the only one there is.
func (a *at) person(ctx context.Context, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	all, err := get[client.People](ctx, a, "/v1/people")
	if err != nil {
		return "", err
	}
	var active []string
	for _, p := range all.People {
		if !p.Inactive {
			active = append(active, p.Subject)
		}
	}
	switch len(active) {
	case 0:
		return "", failed("countersign person add NAME", "nobody is here to decide")
	case 1:
		return active[0], nil
	}
	return "", failed("--as "+strings.Join(active, ", or --as "), "--as is missing: say whose choice it is")
}
