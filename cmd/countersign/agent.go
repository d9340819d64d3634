package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

func newAgent(a *at) *cobra.Command {
	return parent("agent", "Agents that ask: create, ls, token, revoke, deactivate, activate",
		a.agentCreate(), a.agentLs(), a.agentToken(), a.agentRevoke(),
		a.agentActive("deactivate", "Let an agent ask for nothing any more"),
		a.agentActive("activate", "Let an agent ask again"))
}

func (a *at) agentCreate() *cobra.Command {
	var in admin.NewAgent
	var expires string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "create NAME --owner PERSON|GROUP", Short: "Add an agent and print its token, once",
		Long: `Adds an agent and prints its token on standard output. It is shown here and never
again: only its hash is kept. The owner, or everybody of an owning group, cannot
decide what the agent asks for.`,
		Args: takes("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			in.Name = args[0]
			if in.Owner == "" {
				return failed(cmd.UseLine(), "--owner is missing: every agent has one, a person or a group")
			}
			if in.Seconds, err = life(expires); err != nil {
				return err
			}
			issued, err := operate[admin.Issued](cmd.Context(), a, http.MethodPost, "/v1/agents", in)
			if err != nil {
				return err
			}
			return a.issued(issued, asJSON)
		},
	}
	cmd.Flags().StringVar(&in.Owner, "owner", "", "the person or group that answers for it")
	cmd.Flags().StringVar(&in.Region, "region", "", "where it runs: what it reads goes there")
	expiresFlag(cmd, &expires)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func expiresFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "expires", "90d", "how long the token lives: 12h, 30d; at most 366d")
}

// life reads "90d" or "12h" as seconds.
func life(s string) (int64, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return int64(n) * 86400, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second {
		return 0, failed("write 90d or 12h", "--expires %s is no time that a token could live", s)
	}
	return int64(d / time.Second), nil
}

// issued prints the token alone on stdout: it is the result.
func (a *at) issued(i admin.Issued, asJSON bool) error {
	if asJSON {
		if err := a.t.json(i); err != nil || i.Waits == "" {
			return err
		}
		return exit(exitPending)
	}
	a.t.say("%s %s, owned by %s; token %s until %s", i.Agent.ID, i.Agent.Name, oneLine(i.Agent.Owner), i.ID, i.Expires.UTC().Format("2006-01-02"))
	a.t.say("this token is shown once; the agent sends it as Authorization: Bearer")
	a.t.print("%s", i.Token)
	if i.Waits != "" {
		a.t.say("it works once %s is approved by people with passkeys", i.Waits)
		return exit(exitPending)
	}
	return nil
}

func (a *at) agentToken() *cobra.Command {
	var expires string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "token AGENT", Short: "Print one more token of an agent, once", Args: takes("AGENT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			seconds, err := life(expires)
			if err != nil {
				return err
			}
			issued, err := operate[admin.Issued](cmd.Context(), a, http.MethodPost, "/v1/agents/"+url.PathEscape(args[0])+"/tokens", admin.NewToken{Seconds: seconds})
			if err != nil {
				return err
			}
			return a.issued(issued, asJSON)
		},
	}
	expiresFlag(cmd, &expires)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (a *at) agentRevoke() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "revoke AGENT TOKEN | revoke AGENT --all", Short: "End a token of an agent at once", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 2) {
				return failed("countersign agent ls shows the tokens", "say which token, or --all")
			}
			in := admin.Revocation{Token: strings.Join(args[1:], "")}
			agent, err := operate[client.Agent](cmd.Context(), a, http.MethodPost, "/v1/agents/"+url.PathEscape(args[0])+"/revoke", in)
			if err != nil {
				return err
			}
			a.t.print("%s  %s", a.t.paint(bold, agent.Name), tokens(agent, time.Now()))
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every token of the agent")
	return cmd
}

func (a *at) agentActive(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " AGENT", Short: short, Args: takes("AGENT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			agent, err := operate[client.Agent](cmd.Context(), a, http.MethodPost, "/v1/agents/"+url.PathEscape(args[0])+"/"+verb, nil)
			if err != nil {
				return err
			}
			a.t.print("%s %sd", a.t.paint(bold, agent.Name), verb)
			return nil
		},
	}
}

func (a *at) agentLs() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List agents with their tokens", Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := get[client.Agents](cmd.Context(), a, "/v1/agents")
			if err != nil {
				return err
			}
			tb := a.t.table("ID", "NAME", "OWNER", "TOKENS")
			for _, agent := range all.Agents {
				if asJSON {
					if err := a.t.json(agent); err != nil {
						return err
					}
					continue
				}
				tb.row(cell{text: agent.ID, colour: bold}, cell{text: agent.Name}, cell{text: agent.Owner, colour: bold}, cell{text: tokens(agent, time.Now())})
			}
			tb.flush()
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// tokens are the tokens that open something, with their ends.
func tokens(a client.Agent, now time.Time) string {
	var live []string
	for _, t := range a.Tokens {
		if !t.Revoked && now.Before(t.Expires) {
			live = append(live, fmt.Sprintf("%s until %s", t.ID, t.Expires.UTC().Format("2006-01-02")))
		}
	}
	if len(live) == 0 {
		return "no live token"
	}
	return strings.Join(live, ", ")
}
