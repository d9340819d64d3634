# The targets are explained in README.md.
GO    ?= go
BIN   := bin/countersign
TESTS := ./...

.PHONY: demo build test check long e2e-clients conformance bench screenshots audit

demo: build
	@$(BIN) demo

# The version is the tag that this was made from, if there is one, and otherwise the
# commit, which the toolchain knows by itself.
VERSION := $(shell git describe --tags --dirty --match 'v[0-9]*' 2>/dev/null)

build:
	@test -x $(BIN) || echo "building $(BIN); the first build takes about two minutes" >&2
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w -X main.tagged=$(VERSION)" -o $(BIN) ./cmd/countersign

# test: vet, unit tests, terminal stories, the store suites, 2,000 simulated histories.
test:
	@sh internal/testenv/install.sh
	$(GO) vet $(TESTS)
	$(GO) test $(TESTS)

# check: what is slower, or looks at the code: staticcheck, the race detector where
# goroutines meet, broken gates that must be caught, the first run in browsers and
# 50 kills of the real binary, independent verifiers of the log, and one revision of MCP
# before the official conformance suite. It must build for macOS too.
check:
	@sh internal/testenv/install.sh
	$(GO) tool staticcheck $(TESTS)
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/countersign
	$(GO) test -race -short ./gate ./internal/... ./door/... ./upstream/... ./store/...
	$(GO) test ./gate -run TestBrokenGatesAreCaught -mutants
	$(GO) test ./cmd/countersign -run TestTheFirstRunInABrowser -journeys
	$(GO) test ./cmd/countersign -run TestKilledAtRandomPoints -kills 50 -count 1
	cd test/interop && $(GO) test ./...
	cd test/conformance && $(GO) vet ./... && $(GO) test ./... -run '.*/^2025-11-25$$'

# long: by hand; a million histories and a thousand kills take two hours. Histories
# leave much garbage and keep little.
long:
	GOGC=1000 $(GO) test ./gate -run TestSimulatedHistories -histories 1000000 -timeout 0 -v
	$(GO) test ./cmd/countersign -run TestKilledAtRandomPoints -kills 1000 -count 1 -timeout 0 -v

# e2e-clients: as root, with 1.2 GB of space; real Claude Code, Codex, Gemini CLI and Copilot CLI
# from npm, before fake models, ask through the real program. docs/clients.md has its table.
e2e-clients:
	@sh internal/testenv/install.sh
	$(GO) test ./test/clients -clients -count 1 -timeout 20m -v

# conformance: all revisions of MCP before the official conformance suite, directly and
# through the real program, check by check. docs/mcp.md has its table.
conformance:
	@sh internal/testenv/install.sh
	cd test/conformance && $(GO) test ./... -count 1 -v

# bench: by hand, on a quiet machine; docs/benchmarks.md says how to read it.
bench: build
	@sh internal/testenv/install.sh
	$(GO) test -run '^$$' -bench . -benchtime 2s ./ledger ./policy ./store/sqlite ./gate ./door/mcp ./cmd/countersign

# screenshots: the pictures of docs/img anew, of the real program.
screenshots:
	@sh internal/testenv/install.sh
	$(GO) test ./cmd/countersign -run TestPictures -pictures "$(CURDIR)/docs/img" -count 1 -v

# audit: known vulnerabilities in dependencies; needs the vulnerability database.
audit:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@latest $(TESTS)
