package main

import (
	"net/http"

	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

func newChannel(a *at) *cobra.Command {
	return parent("channel", "Chats: what could not be delivered", a.channelLs(), a.channelRetry())
}

func (a *at) channelLs() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the cards, reminders, notices and clicks that were given up", Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := operate[admin.GivenUps](cmd.Context(), a, http.MethodGet, "/v1/channels/given-up", nil)
			if err != nil {
				return err
			}
			tb := a.t.table("SINCE", "WHAT", "OF", "TRIES", "WHY")
			for _, g := range all.GivenUp {
				if asJSON {
					if err := a.t.json(g); err != nil {
						return err
					}
					continue
				}
				tb.row(cell{text: stamp(g.Since)}, cell{text: g.Kind}, cell{text: g.Key, colour: bold}, cell{text: grouped(int64(g.Tries))}, cell{text: g.Why})
			}
			tb.flush()
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (a *at) channelRetry() *cobra.Command {
	return &cobra.Command{
		Use: "retry", Short: "Try again what was given up, from the first try on",
		Long: `Tries again whatever no chat could be told, or could not be worked on: after the
connection to the chat is mended. What has been settled since then is not posted.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			done, err := operate[admin.Retried](cmd.Context(), a, http.MethodPost, "/v1/channels/retry", nil)
			if err != nil {
				return err
			}
			a.t.print("%d tried again", done.Retried)
			return nil
		},
	}
}
