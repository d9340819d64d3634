package main

import (
	"context"
	"strings"

	"github.com/countersignhq/countersign/cmd/countersign/bridge"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

// anMCP is what the verb was told.
type anMCP struct {
	resource, doors, key string
	prompt               bool
	command              []string
}

func newMCP(a *at) *cobra.Command {
	var ask anMCP
	cmd := &cobra.Command{
		Use: "mcp (--resource NAME | -- CMD… | --permission-prompt)", Short: "Speak MCP over standard input and output, for agents that speak nothing else",
		Long: `Carries the messages of an agent that starts its MCP servers as programs to the
door of a resource. COUNTERSIGN_TOKEN is the agent's token. The door is that of
--doors or COUNTERSIGN_DOORS, or else of the server on this machine. What is held
is held by the server: when this program ends, nothing is withdrawn.

With a command after --, starts that MCP server here and runs on it what the
gateway releases for the resource that the configuration gives to this agent
(upstream: {wrapped: NAME}). Each release is checked with the key of the log:
that of --key or COUNTERSIGN_LOG_KEY, or else the one that the gateway showed the
first time, which is kept. Whoever may change this command may also start the
server without it: wrapping guards against mistakes, a resource whose credential
the gateway holds guards against the agent.

With --permission-prompt, offers the tool approve for Claude Code's
--permission-prompt-tool mcp__countersign__approve. Claude runs its tools itself,
so the outcome of what is let through is on record as unknown.`,
		Example: `  countersign mcp --resource mcp/files
  countersign mcp -- npx -y @modelcontextprotocol/server-filesystem@2026.8.31 /srv
  countersign mcp --permission-prompt`,
		Args: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); at > 0 || at < 0 && len(args) > 0 {
				return failed("countersign mcp -- "+strings.Join(args, " "), "the server's command stands after --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ask.command = args
			switch {
			case len(args) > 0 && ask.prompt:
				return failed("leave one away", "--permission-prompt wraps no command")
			case len(args) > 0 || ask.prompt:
				return a.wrap(cmd.Context(), ask)
			}
			return a.bridge(cmd.Context(), ask)
		},
	}
	cmd.Flags().StringVar(&ask.resource, "resource", "", "the resource, such as mcp/files (default with a command the agent's only one)")
	cmd.Flags().StringVar(&ask.doors, "doors", "", "the address of the doors, such as http://127.0.0.1:8481")
	cmd.Flags().StringVar(&ask.key, "key", "", "with a command: the log's verifier key, a file, or its text")
	cmd.Flags().BoolVar(&ask.prompt, "permission-prompt", false, "answer Claude Code's permission prompts")
	return cmd
}

func (a *at) bridge(ctx context.Context, ask anMCP) error {
	if !strings.HasPrefix(ask.resource, "mcp/") || strings.ContainsAny(ask.resource, "?#%") {
		return failed("countersign mcp --resource mcp/files", "--resource names no MCP resource")
	}
	cfg, err := a.throughDoors(ctx, ask.doors)
	if err != nil {
		return err
	}
	cfg.URL += "/" + ask.resource
	return bridge.Run(ctx, cfg, a.t.in, a.t.out)
}

// throughDoors is a bridge to the doors, whose URL is still to be completed.
func (a *at) throughDoors(ctx context.Context, doors string) (bridge.Config, error) {
	cfg := bridge.Config{Token: a.t.get("COUNTERSIGN_TOKEN"), UserAgent: "countersign-mcp/" + version()}
	if cfg.Token == "" {
		return cfg, &failure{exitSignIn, "COUNTERSIGN_TOKEN is not set", "set it to an agent's token; countersign agent create prints one"}
	}
	if doors == "" {
		doors = a.t.get("COUNTERSIGN_DOORS")
	}
	if doors == "" {
		if a.remote() != "" {
			return cfg, failed("set COUNTERSIGN_DOORS, or give --doors", "COUNTERSIGN_URL is where people and programs look on; agents come in at another address, the doors")
		}
		s, err := get[admin.Server](ctx, a, "/v1/server")
		if err != nil {
			return cfg, err
		}
		doors = strings.NewReplacer("//0.0.0.0:", "//127.0.0.1:", "//[::]:", "//127.0.0.1:").Replace(s.Doors) // listening everywhere is no address
	}
	cfg.URL = strings.TrimRight(doors, "/")
	return cfg, nil
}
