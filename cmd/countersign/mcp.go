package main

import (
	"context"
	"strings"

	"github.com/countersignhq/countersign/cmd/countersign/bridge"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

func newMCP(a *at) *cobra.Command {
	var resource, doors string
	cmd := &cobra.Command{
		Use: "mcp --resource NAME", Short: "Speak MCP over standard input and output, for agents that speak nothing else",
		Long: `Carries the messages of an agent that starts its MCP servers as programs to the
door of a resource. COUNTERSIGN_TOKEN is the agent's token. The door is that of
--doors or COUNTERSIGN_DOORS, or else of the server on this machine. What is held
is held by the server: when this program ends, nothing is withdrawn.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bridge(cmd.Context(), resource, doors)
		},
	}
	cmd.Flags().StringVar(&resource, "resource", "", "the resource, such as mcp/files")
	cmd.Flags().StringVar(&doors, "doors", "", "the address of the doors, such as http://127.0.0.1:8481")
	return cmd
}

func (a *at) bridge(ctx context.Context, resource, doors string) error {
	if !strings.HasPrefix(resource, "mcp/") || strings.ContainsAny(resource, "?#%") {
		return failed("countersign mcp --resource mcp/files", "--resource names no MCP resource")
	}
	token := a.t.get("COUNTERSIGN_TOKEN")
	if token == "" {
		return &failure{exitSignIn, "COUNTERSIGN_TOKEN is not set", "set it to an agent's token; countersign agent create prints one"}
	}
	if doors == "" {
		doors = a.t.get("COUNTERSIGN_DOORS")
	}
	if doors == "" {
		if a.remote() != "" {
			return failed("set COUNTERSIGN_DOORS, or give --doors", "COUNTERSIGN_URL is where people and programs look on; agents come in at another address, the doors")
		}
		s, err := get[admin.Server](ctx, a, "/v1/server")
		if err != nil {
			return err
		}
		doors = strings.NewReplacer("//0.0.0.0:", "//127.0.0.1:", "//[::]:", "//127.0.0.1:").Replace(s.Doors) // listening everywhere is no address
	}
	return bridge.Run(ctx, bridge.Config{
		URL: strings.TrimRight(doors, "/") + "/" + resource, Token: token, UserAgent: "countersign-mcp/" + version(),
	}, a.t.in, a.t.out)
}
