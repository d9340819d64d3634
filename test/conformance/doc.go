// Package conformance asks the official conformance suite of MCP whether a server
// is served as well through Countersign as it is without. It is a module of its
// own, so that the product depends on no SDK. There are only tests: go test ./...
package conformance
