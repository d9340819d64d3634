package main

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

func newPerson(a *at) *cobra.Command {
	return parent("person", "People who decide: add, ls, link, unlink, passkeys, passkey, confirm, deactivate, activate",
		a.personAdd(), a.personLs(), a.personLink(), a.personUnlink(), a.personPasskeys(), a.personPasskey(),
		a.personActive("deactivate", "End somebody's sessions; their approvals that have not run are void"),
		a.personActive("activate", "Let somebody decide again"),
		a.personActive("confirm", "Stand for the passkeys of somebody whom another person invited"))
}

func (a *at) personAdd() *cobra.Command {
	var p admin.NewPerson
	var asJSON bool
	cmd := &cobra.Command{
		Use: "add NAME [--subject NAME] [--group GROUP]…", Short: "Add a person and print a sign-in link that works once",
		Long: `Adds a person, who decides what is asked for from now on, and prints a link with
which they sign in once. NAME is what others read; --subject is what the
configuration's groups call them: "local|bob" is --subject bob.`,
		Args: takes("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Name = args[0]
			added, err := operate[admin.Linked](cmd.Context(), a, http.MethodPost, "/v1/people", p)
			if err != nil {
				return err
			}
			return a.linked(added, asJSON)
		},
	}
	cmd.Flags().StringVar(&p.Subject, "subject", "", "what they are called in groups (default NAME)")
	cmd.Flags().StringArrayVar(&p.Groups, "group", nil, "a group that they come into; may be given again")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// linked prints the link alone on stdout: it is the result.
func (a *at) linked(l admin.Linked, asJSON bool) error {
	if asJSON {
		return a.t.json(l)
	}
	a.t.say("%s %s, groups: %s", l.Person.ID, oneLine(l.Person.Name), joined(l.Person.Groups))
	if l.URL == "" {
		a.t.say("this server makes no sign-in links")
		return nil
	}
	a.t.say("this link signs %s in, once; give it to nobody else:", oneLine(l.Person.Name))
	a.t.print("%s", l.URL)
	return nil
}

func (a *at) personLink() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "link PERSON", Short: "Print a new sign-in link that works once", Args: takes("PERSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := operate[admin.Linked](cmd.Context(), a, http.MethodPost, "/v1/people/"+url.PathEscape(args[0])+"/link", nil)
			if err != nil {
				return err
			}
			return a.linked(l, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// slackAll stands for all Slack accounts of a person.
const slackAll = "all"

func (a *at) personUnlink() *cobra.Command {
	var account, because string
	cmd := &cobra.Command{
		Use: "unlink PERSON --slack[=ACCOUNT]", Short: "Break the link of somebody's Slack account",
		Long: `Breaks the link between a person and their Slack account, at once: what is pressed
there decides nothing any more, and what was approved there and has not run is void.
The person, and those who decide with them, are told. A new link takes a new code.`,
		Args: takes("PERSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if account == "" {
				return failed("countersign person unlink "+quoteArg(args[0])+" --slack", "say which chat: --slack")
			}
			in := admin.Unlinking{Chat: "slack", Account: account, Because: because}
			if account == slackAll {
				in.Account = ""
			}
			broken, err := operate[client.Links](cmd.Context(), a, http.MethodPost, "/v1/people/"+url.PathEscape(args[0])+"/unlink", in)
			if err != nil {
				return err
			}
			for _, l := range broken.Links {
				a.t.print("%s account %s of workspace %s unlinked", l.Chat, a.t.paint(bold, l.Account), l.Workspace)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&account, "slack", "", "the account, U…; all of them if none is named")
	cmd.Flags().Lookup("slack").NoOptDefVal = slackAll
	cmd.Flags().StringVar(&because, "because", "", "why; it goes on record and to those who are told")
	return cmd
}

func (a *at) personActive(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " PERSON", Short: short, Args: takes("PERSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := operate[client.Person](cmd.Context(), a, http.MethodPost, "/v1/people/"+url.PathEscape(args[0])+"/"+verb, nil)
			if err != nil {
				return err
			}
			a.t.print("%s  %s %sed", a.t.paint(bold, p.ID), oneLine(p.Name), strings.TrimSuffix(verb, "e"))
			return nil
		},
	}
}

func (a *at) personLs() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List people", Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := get[client.People](cmd.Context(), a, "/v1/people")
			if err != nil {
				return err
			}
			tb := a.t.table("ID", "NAME", "SUBJECT", "GROUPS", "STATE")
			for _, p := range all.People {
				if asJSON {
					if err := a.t.json(p); err != nil {
						return err
					}
					continue
				}
				active := "active"
				if p.Inactive {
					active = "deactivated"
				}
				tb.row(cell{text: p.ID, colour: bold}, cell{text: p.Name, colour: bold}, cell{text: p.Issuer + "|" + p.Subject}, cell{text: joined(p.Groups)}, cell{text: active})
			}
			tb.flush()
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}
