// Package patience is how long MCP clients wait for the answer to a call.
package patience

import (
	"strings"
	"time"
)

// A Budget is how long a client waits for the answer to one call before it
// gives up, less a margin.
type Budget struct {
	Silent   time.Duration // while it hears nothing; defaults to 50 seconds
	Progress time.Duration // while it is sent progress; defaults to Silent
}

// For is the budget of a call with the progress token.
func (b Budget) For(token []byte) time.Duration {
	silent := b.Silent
	if silent <= 0 {
		silent = 50 * time.Second
	}
	if token == nil || b.Progress <= 0 {
		return silent
	}
	return b.Progress
}

// Of is the budget of the client that calls itself so: that of the longest beginning
// of its version that has one, else that of its name.
func Of(budgets map[string]Budget, name, version string) Budget {
	for v := version; v != ""; v = v[:max(0, strings.LastIndexAny(v, ".-+"))] {
		if b, ok := budgets[name+"/"+v]; ok {
			return b
		}
	}
	return budgets[name]
}

// Measured are the budgets of clients as they were measured with slow calls.
func Measured() map[string]Budget {
	return map[string]Budget{
		"claude-code":              {Silent: 280 * time.Second, Progress: 4 * time.Hour},
		"codex-mcp-client":         {Silent: 280 * time.Second},
		"gemini-cli-mcp-client":    {Silent: 580 * time.Second},
		"copilot-cli":              {Silent: 170 * time.Second, Progress: 4 * time.Hour},
		"github-copilot-developer": {Silent: 170 * time.Second, Progress: 4 * time.Hour},
	}
}
