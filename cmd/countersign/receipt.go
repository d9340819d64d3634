package main

import "github.com/spf13/cobra"

func newReceipt(a *at) *cobra.Command {
	return &cobra.Command{
		Use: "receipt ID", Short: "Write the proof of a request to standard output",
		Long: `Writes the receipt of a request: its events, the proof of each, and what they say.
Keep the bytes as they are. countersign verify checks it anywhere, offline:

  countersign receipt ID > r.json
  countersign verify r.json --key log.vkey`,
		Args: takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			b, err := c.Receipt(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = a.t.out.Write(b)
			return err
		},
	}
}
