package main

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/countersignhq/countersign/client"
	"github.com/spf13/cobra"
)

func (a *at) personPasskeys() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "passkeys PERSON", Short: "List somebody's passkeys", Args: takes("PERSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := operate[client.Person](cmd.Context(), a, http.MethodGet, "/v1/people/"+url.PathEscape(args[0])+"/passkeys", nil)
			if err != nil {
				return err
			}
			tb := a.t.table("ID", "NAME", "SINCE", "STOOD FOR BY", "COUNTS")
			for _, k := range p.Passkeys {
				if asJSON {
					if err := a.t.json(k); err != nil {
						return err
					}
					continue
				}
				counts := "yes"
				if k.Pending {
					counts = "once somebody confirms it"
				}
				if k.ConfirmBy != nil {
					counts += ", until " + k.ConfirmBy.UTC().Format("2006-01-02 15:04 UTC")
				}
				tb.row(cell{text: k.ID, colour: bold}, cell{text: oneLine(k.Name)}, cell{text: k.Since.UTC().Format("2006-01-02 15:04 UTC")},
					cell{text: joined(k.VouchedBy)}, cell{text: counts})
			}
			tb.flush()
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (a *at) personPasskey() *cobra.Command {
	return parent("passkey", "Somebody's passkey: remove", a.passkeyRemove())
}

func (a *at) passkeyRemove() *cobra.Command {
	var because string
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Remove a passkey, such as the last one of somebody who lost it",
		Long: `Removes a passkey for good, at once: the sessions that it opened end, and what it
approved and has not run is void and waits for people again. Its person goes on
deciding with their other passkeys. Without one they read and reject, and
countersign person link lets them in to make another, which waits for a second
person once two people have passkeys. With one that nobody had confirmed end the
recovery codes. countersign person passkeys shows the ids; one that begins with -
stands behind --.`,
		Args: takes("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := get[client.People](cmd.Context(), a, "/v1/people")
			if err != nil {
				return err
			}
			in := struct {
				Reason string `json:"reason"`
			}{because}
			if _, err := operate[struct{}](cmd.Context(), a, http.MethodDelete, "/v1/passkeys/"+url.PathEscape(args[0]), in); err != nil {
				return err
			}
			owner, last := ownerOf(all, args[0])
			a.t.print("%s  removed from %s", a.t.paint(bold, args[0]), oneLine(owner.Name))
			if last {
				a.t.say("they have no other that counts; countersign person link %s lets them in to make one", owner.ID)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&because, "because", "", "why; it goes on record")
	return cmd
}

// ownerOf returns whose passkey it is, and whether no other of theirs counts.
func ownerOf(all client.People, id string) (client.Person, bool) {
	for _, p := range all.People {
		if slices.ContainsFunc(p.Passkeys, func(k client.Passkey) bool { return k.ID == id }) {
			return p, !slices.ContainsFunc(p.Passkeys, func(k client.Passkey) bool { return k.ID != id && !k.Pending })
		}
	}
	return client.Person{}, false
}
