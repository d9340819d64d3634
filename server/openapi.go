// Package server holds the description of the REST API, which a test compares
// with the handlers.
package server

import _ "embed"

//go:embed openapi.yaml
var openapi string

// OpenAPI returns the OpenAPI 3.1 document, in YAML.
func OpenAPI() string { return openapi }
