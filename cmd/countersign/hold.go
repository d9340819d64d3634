package main

import (
	"net/http"
	"net/url"

	"github.com/countersignhq/countersign/client"
	"github.com/spf13/cobra"
)

func newHold(a *at) *cobra.Command {
	var in client.NewHold
	cmd := &cobra.Command{
		Use: "hold (--agent NAME | --all) [--reason TEXT]", Short: "Hold everything that an agent asks for, at once",
		Long: `Hold everything that an agent asks for from now on, or that all agents do. What
the policy allows waits for people, and nothing that they approve runs until
countersign unhold lifts it. Without flags it lists what is held.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in == (client.NewHold{}) {
				return a.listHolds(cmd)
			}
			if in.All == (in.Agent != "") {
				return failed(cmd.UseLine(), "hold names one agent, or --all")
			}
			h, err := operate[client.Hold](cmd.Context(), a, http.MethodPost, "/v1/holds", in)
			if err != nil {
				return err
			}
			a.t.say("everything of %s is held; countersign unhold lifts it", oneLine(h.Name))
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Agent, "agent", "", "the agent, by name or id")
	cmd.Flags().BoolVar(&in.All, "all", false, "all agents")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why, for whoever finds it held")
	return cmd
}

func (a *at) listHolds(cmd *cobra.Command) error {
	all, err := get[client.Holds](cmd.Context(), a, "/v1/holds")
	if err != nil {
		return err
	}
	tb := a.t.table("HELD", "BY", "SINCE", "REASON")
	for _, h := range all.Holds {
		tb.row(cell{text: oneLine(h.Name), colour: bold}, cell{text: oneLine(h.By)},
			cell{text: h.Since.UTC().Format("2006-01-02 15:04 UTC")}, cell{text: oneLine(h.Reason)})
	}
	tb.flush()
	return nil
}

func newUnhold(a *at) *cobra.Command {
	var agent, reason string
	var all bool
	cmd := &cobra.Command{
		Use: "unhold (--agent NAME | --all) [--reason TEXT]", Short: "Lift a hold; once two people have passkeys, they approve it",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all == (agent != "") {
				return failed(cmd.UseLine(), "unhold names one agent, or --all")
			}
			if all {
				agent = "all"
			}
			path := "/v1/holds/" + url.PathEscape(agent)
			if reason != "" {
				path += "?reason=" + url.QueryEscape(reason)
			}
			done, err := operate[struct {
				Applied bool   `json:"applied"`
				Request string `json:"request"`
			}](cmd.Context(), a, http.MethodDelete, path, nil)
			switch {
			case err != nil:
				return err
			case !done.Applied:
				a.t.say("%s waits for people with passkeys; nothing has changed yet", done.Request)
			default:
				a.t.say("lifted; what waits stays held until it is decided")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&agent, "agent", "", "the agent, by name or id")
	cmd.Flags().BoolVar(&all, "all", false, "the hold of all agents")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for who approves it")
	return cmd
}
