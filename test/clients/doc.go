// Package clients has real command lines of agents ask through the real program:
// over the HTTP door, over the bridge for standard input and output, and around a
// server of their own that countersign mcp wraps. Their models are fakes on
// loopback, so that what they ask for is known, and the upstream counts what ran.
//
// There are only tests: make e2e-clients.
package clients
