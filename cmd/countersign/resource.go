package main

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

func newResource(a *at) *cobra.Command {
	return parent("resource", "Protected endpoints: ls, show, repin", a.resourceLs(), a.resourceShow(), a.resourceRepin())
}

func (a *at) resourceLs() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List resources with their labels", Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := get[client.Resources](cmd.Context(), a, "/v1/resources")
			if err != nil {
				return err
			}
			tb := a.t.table("RESOURCE", "ENVIRONMENT", "DATA", "OWNERS", "TOOLS")
			for _, r := range all.Resources {
				if asJSON {
					if err := a.t.json(r); err != nil {
						return err
					}
					continue
				}
				tb.row(plain(r.Name, orDash(r.Environment), joined(r.DataClasses), joined(r.Owners), toolCount(r))...)
			}
			tb.flush()
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// toolCount tells how many tools there are, and of those that are not as pinned.
func toolCount(r client.Resource) string {
	changed := 0
	for _, t := range r.Tools {
		if t.Changed != "" {
			changed++
		}
	}
	says := grouped(int64(len(r.Tools)))
	if changed > 0 {
		says += ", " + grouped(int64(changed)) + " changed"
	}
	return says
}

func (a *at) resourceShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show RESOURCE", Short: "Show a resource with its tools and their pins", Args: takes("RESOURCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := get[client.Resources](cmd.Context(), a, "/v1/resources")
			if err != nil {
				return err
			}
			i := slices.IndexFunc(all.Resources, func(r client.Resource) bool { return r.Name == args[0] })
			if i < 0 {
				return failed("countersign resource ls shows them", "there is no resource %q", args[0])
			}
			if asJSON {
				return a.t.json(all.Resources[i])
			}
			a.t.resource(all.Resources[i])
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (t *terminal) resource(r client.Resource) {
	tb := t.table("TOOL", "DOES", "DATA", "DEFINITION")
	for _, name := range slices.Sorted(maps.Keys(r.Tools)) {
		tool := r.Tools[name]
		does, pin := joined(tool.Verbs), cell{text: "as pinned, " + digest(tool.Pin)}
		switch {
		case !tool.Listed:
			does = "not listed: held"
		case tool.Understand != "":
			does = strings.Join(append(tool.Verbs, "what the "+tool.Understand+" in "+tool.Argument+" does"), ", ")
		}
		switch {
		case tool.Changed != "":
			pin = cell{text: "changed, " + digest(tool.Changed) + ", was " + digest(tool.Pin), colour: red}
		case tool.Pin == "":
			pin = cell{text: "not seen yet"}
		}
		tb.row(cell{text: oneLine(name)}, cell{text: does}, cell{text: joined(tool.Classes)}, pin)
	}
	if t.outIsScreen {
		t.print("%s  %s  regions %s  data %s  owners %s", t.paint(bold, r.Name), orDash(r.Environment), joined(r.Regions), joined(r.DataClasses), joined(r.Owners))
		if r.UnsafeSameUser {
			t.print("its program runs as the server's own user, without isolation")
		}
		t.print("")
	}
	tb.flush()
}

// digest is the beginning of a digest, enough to compare by eye.
func digest(s string) string {
	_, hex, _ := strings.Cut(s, ":")
	return hex[:min(8, len(hex))]
}

func (a *at) resourceRepin() *cobra.Command {
	return &cobra.Command{
		Use: "repin RESOURCE [TOOL]", Short: "Accept changed tool definitions as they are now",
		Long: `A tool whose definition is not the one that was pinned counts as changed and every
call of it is held. This accepts the new definition of one tool, or of all.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, name, ok := strings.Cut(args[0], "/")
			if !ok {
				return failed("countersign resource ls shows them", "there is no resource %q", args[0])
			}
			r, err := operate[client.Resource](cmd.Context(), a, http.MethodPost, "/v1/resources/"+kind+"/"+name+"/repin",
				admin.Repin{Tool: strings.Join(args[1:], "")})
			if err != nil {
				return err
			}
			a.t.print("%s  %s", a.t.paint(bold, r.Name), toolCount(r))
			return nil
		},
	}
}
