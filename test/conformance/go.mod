module github.com/countersignhq/countersign/test/conformance

go 1.26.0

replace github.com/countersignhq/countersign => ../..

replace github.com/google/pprof => github.com/google/pprof v0.0.0-20250403155104-27863c87afa6

tool github.com/modelcontextprotocol/go-sdk/conformance/everything-server

require github.com/countersignhq/countersign v0.0.0-00010101000000-000000000000

require (
	github.com/google/jsonschema-go v0.4.3 // indirect
	github.com/modelcontextprotocol/go-sdk v1.8.0 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
	github.com/segmentio/asm v1.1.3 // indirect
	github.com/segmentio/encoding v0.5.4 // indirect
	github.com/yosida95/uritemplate/v3 v3.0.2 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
