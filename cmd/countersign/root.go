package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/countersignhq/countersign/internal/nearest"
	"github.com/spf13/cobra"
)

// newRoot returns the command line, all verbs.
func newRoot(t *terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "countersign",
		Short: "Action-level approvals for AI agents",
		Long: `Countersign lets an agent's action run only after the policy, and where the
policy says so a second person, has let that very action through.

Operator verbs talk to the server of this machine over data/admin.sock. With
COUNTERSIGN_URL and COUNTERSIGN_TOKEN, ls, show, watch, withdraw and receipt ask
that server instead.

` + exitCodes,
		SilenceUsage: true, SilenceErrors: true,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownVerb(cmd, args[0])
		},
	}
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return failed(cmd.CommandPath()+" --help shows the flags", "%v", err)
	})
	a := &at{t: t}
	a.flags(root.PersistentFlags())
	for _, g := range groups(a) {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, cmd := range g.verbs {
			cmd.GroupID = g.title
			root.AddCommand(cmd)
		}
	}
	return root
}

// A verbGroup is some verbs under one title of help.
type verbGroup struct {
	title string
	verbs []*cobra.Command
}

// groups are all verbs.
func groups(a *at) []verbGroup {
	return []verbGroup{
		{"Requests", []*cobra.Command{
			newLs(a), newShow(a), newApprove(a), newReject(a), newEscalate(a), newWithdraw(a), newResolve(a), newWatch(a),
		}},
		{"Proof", []*cobra.Command{newReceipt(a), newVerify(a.t), newAudit(a)}},
		{"Who and what", []*cobra.Command{newPerson(a), newGroup(a), newOnCall(a), newAway(a), newAgent(a), newResource(a), newPolicy(a), newHold(a), newUnhold(a)}},
		{"Agents", []*cobra.Command{newMCP(a)}},
		{"Server", []*cobra.Command{newDemo(a.t), newUp(a), newDoctor(a), newChannel(a)}},
		{"About", []*cobra.Command{newVersion(a.t)}},
	}
}

// unknownVerb says which verb was probably meant.
func unknownVerb(cmd *cobra.Command, verb string) error {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(append(names, c.Name()), c.Aliases...)
	}
	slices.Sort(names)
	hint := cmd.CommandPath() + " --help shows the verbs"
	if near, ok := nearest.To(verb, names); ok {
		hint = "did you mean " + cmd.CommandPath() + " " + near + "?"
	}
	return failed(hint, "%s has no verb %q", cmd.CommandPath(), verb)
}

// parent is a verb that only has verbs under it.
func parent(use, short string, under ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownVerb(cmd, args[0])
		},
	}
	cmd.AddCommand(under...)
	return cmd
}

// takes demands one argument for each name.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return failed(cmd.UseLine(), "%s is missing", names[len(args)])
		case len(args) > len(names):
			return failed(cmd.UseLine(), "%q is one argument too many", args[len(names)])
		}
		return nil
	}
}

// json prints one object a line.
func (t *terminal) json(v any) error {
	e := json.NewEncoder(t.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// joined is "a, b" or a dash.
func joined(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}
