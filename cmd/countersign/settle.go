package main

import (
	"net/http"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

func newWithdraw(a *at) *cobra.Command {
	var reason string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "withdraw ID", Short: "Take a request back, so that it never runs", Args: takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			after, err := c.Withdraw(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			if asJSON {
				return a.t.json(after)
			}
			a.t.print("%s  withdrawn; it will not run", a.t.paint(bold, after.ID))
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a sentence")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the request as one JSON object")
	return cmd
}

func newResolve(a *at) *cobra.Command {
	var reason string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "resolve ID succeeded|failed --reason TEXT", Short: "Record what really happened after an unknown outcome",
		Long: `After an outcome that nobody could tell, such as a server that stopped while the
command ran, records what really happened, and how you know.`,
		Args: takes("ID", "succeeded|failed"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return failed("say how you know", "--reason is missing")
			}
			after, err := operate[client.Request](cmd.Context(), a, http.MethodPost, "/v1/requests/"+args[0]+"/resolve",
				admin.Resolution{Execution: args[1], Reason: reason})
			if err != nil {
				return err
			}
			if asJSON {
				return a.t.json(after)
			}
			a.t.print("%s  %s", a.t.paint(bold, after.ID), after.Execution)
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "how you know, in a sentence")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the request as one JSON object")
	return cmd
}
