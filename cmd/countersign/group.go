package main

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

func newGroup(a *at) *cobra.Command {
	return parent("group", "Groups of people: ls, set", a.groupLs(), a.groupSet())
}

func (a *at) groupLs() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List groups with their members", Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := get[[]admin.Group](cmd.Context(), a, "/v1/groups")
			if err != nil {
				return err
			}
			tb := a.t.table("GROUP", "MEMBERS", "KEPT BY")
			for _, g := range all {
				if asJSON {
					if err := a.t.json(g); err != nil {
						return err
					}
					continue
				}
				a.t.group(tb, g)
			}
			tb.flush()
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (t *terminal) group(tb *table, g admin.Group) {
	var names []string
	for _, p := range g.Members {
		name := oneLine(p.Name)
		if p.Inactive {
			name += " (deactivated)"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	by := "the operator"
	if g.Kept {
		by = "the configuration"
	}
	if g.Pool != "" {
		by = "a schedule, of " + g.Pool
	}
	tb.row(cell{text: g.Name, colour: bold}, cell{text: joined(names)}, cell{text: by})
}

func (a *at) groupSet() *cobra.Command {
	return &cobra.Command{
		Use: "set GROUP [PERSON]…", Short: "Give a group exactly these members",
		Long: `Makes the group if it is not there, and gives it exactly the members named. Who is
new in it decides what is asked for from now on.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := admin.Members{Members: args[1:]}
			if in.Members == nil {
				in.Members = []string{}
			}
			g, err := operate[admin.Group](cmd.Context(), a, http.MethodPut, "/v1/groups/"+url.PathEscape(args[0]), in)
			if err != nil {
				return err
			}
			a.t.print("%s  %s", a.t.paint(bold, g.Name), count(len(g.Members), "member"))
			return nil
		},
	}
}
