package main

import (
	"net/http"
	"net/url"
	"time"

	"github.com/countersignhq/countersign/client"
	"github.com/spf13/cobra"
)

func newAway(a *at) *cobra.Command {
	var from, until, standIn, person, reason string
	cmd := &cobra.Command{
		Use:   "away --person NAME --until TIME [--stand-in NAME] [--from TIME] [--reason TEXT]",
		Short: "Say that somebody is away, and who decides in their place",
		Long: `Says for a person that they are away, for at most 30 days: they decide nothing
meanwhile, and the stand-in sits in their seats for what is asked from now on. People
say so themselves in the console. Once two people have passkeys, naming a stand-in
waits for two of them. Times are 2026-12-24, 2026-12-24T09:00:00+01:00, or 48h from now.

countersign away ls lists absences; countersign away end --person NAME ends one.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if person == "" || until == "" {
				return failed(cmd.UseLine(), "away names a person, and until when")
			}
			in := client.NewAway{StandIn: standIn, Reason: reason}
			var err error
			if in.Until, err = instant(until); err != nil {
				return err
			}
			if in.From, err = instant(from); from != "" && err != nil {
				return err
			}
			mine, err := operate[client.MyAway](cmd.Context(), a, http.MethodPut, "/v1/people/"+url.PathEscape(person)+"/away", in)
			if err != nil {
				return err
			}
			if mine.Away == nil {
				return failed("countersign away ls", "the absence of %s is over already", person)
			}
			a.t.say("%s", awaySays(*mine.Away))
			return nil
		},
	}
	cmd.Flags().StringVar(&person, "person", "", "who is away, by id, subject or name")
	cmd.Flags().StringVar(&until, "until", "", "when they are back")
	cmd.Flags().StringVar(&from, "from", "", "when they go (default now)")
	cmd.Flags().StringVar(&standIn, "stand-in", "", "who decides in their place (default nobody)")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for who approves it")
	cmd.AddCommand(a.awayEnd(), a.awayLs())
	return cmd
}

func (a *at) awayEnd() *cobra.Command {
	var person string
	cmd := &cobra.Command{
		Use: "end --person NAME", Short: "End somebody's absence, at once", Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if person == "" {
				return failed(cmd.UseLine(), "end names a person")
			}
			if _, err := operate[client.MyAway](cmd.Context(), a, http.MethodDelete, "/v1/people/"+url.PathEscape(person)+"/away", nil); err != nil {
				return err
			}
			a.t.say("%s is back; what a stand-in approved and has not run is void", oneLine(person))
			return nil
		},
	}
	cmd.Flags().StringVar(&person, "person", "", "who is back, by id, subject or name")
	return cmd
}

func (a *at) awayLs() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List absences, those to come too", Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := get[client.People](cmd.Context(), a, "/v1/people")
			if err != nil {
				return err
			}
			tb := a.t.table("PERSON", "STAND-IN", "FROM", "UNTIL")
			for _, p := range all.People {
				if p.Away == nil {
					continue
				}
				if asJSON {
					if err := a.t.json(p.Away); err != nil {
						return err
					}
					continue
				}
				standIn := "nobody"
				if p.Away.StandIn != "" {
					standIn = oneLine(p.Away.StandIn)
				}
				tb.row(cell{text: oneLine(p.Away.Person), colour: bold}, cell{text: standIn}, cell{text: stamp(p.Away.From)}, cell{text: stamp(p.Away.Until)})
			}
			tb.flush()
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// awaySays is "bob is away from … until …; dave decides in their place".
func awaySays(w client.Away) string {
	says := oneLine(w.Person) + " is away from " + stamp(w.From) + " until " + stamp(w.Until)
	if w.StandIn == "" {
		return says + "; nobody decides in their place"
	}
	return says + "; " + oneLine(w.StandIn) + " decides in their place what is asked from now on"
}

// instant reads a time of RFC 3339, a day of this machine's zone, or how long from
// now.
func instant(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if in, err := time.ParseDuration(text); err == nil {
		return time.Now().Add(in), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return t, failed("write 2026-12-24, 2026-12-24T09:00:00+01:00 or 48h", "%q is no time", text)
	}
	return t, nil
}
