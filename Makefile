# The targets are explained in README.md.
GO    ?= go
BIN   := bin/countersign
TESTS := ./...

.PHONY: demo build test check long bench screenshots audit

demo: build
	@$(BIN) demo

build:
	@test -x $(BIN) || echo "building $(BIN); the first build takes about two minutes" >&2
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o $(BIN) ./cmd/countersign

# test: vet, unit tests, terminal stories, the store suites, 2,000 simulated histories.
test:
	@sh internal/testenv/install.sh
	$(GO) vet $(TESTS)
	$(GO) test $(TESTS)

# check: what is slower, or looks at the code: staticcheck, the race detector where
# goroutines meet, broken gates that must be caught, the first run in browsers and
# 50 kills of the real binary, independent verifiers of the log.
check:
	@sh internal/testenv/install.sh
	$(GO) tool staticcheck $(TESTS)
	$(GO) test -race -short ./gate ./internal/... ./door/... ./upstream/... ./store/memory
	$(GO) test ./gate -run TestBrokenGatesAreCaught -mutants
	$(GO) test ./cmd/countersign -run TestTheFirstRunInABrowser -journeys
	$(GO) test ./cmd/countersign -run TestKilledAtRandomPoints -kills 50 -count 1
	cd test/interop && $(GO) test ./...

# long: by hand; a million histories and a thousand kills take hours.
long:
	$(GO) test ./gate -run TestSimulatedHistories -histories 1000000 -timeout 0 -v
	$(GO) test ./cmd/countersign -run TestKilledAtRandomPoints -kills 1000 -count 1 -timeout 0 -v

# bench: by hand, on a quiet machine; docs/benchmarks.md says how to read it.
bench: build
	@sh internal/testenv/install.sh
	$(GO) test -run '^$$' -bench . -benchtime 2s ./ledger ./policy ./store/sqlite ./gate ./cmd/countersign

# screenshots: the pictures of docs/img anew, of the real program.
screenshots:
	@sh internal/testenv/install.sh
	$(GO) test ./cmd/countersign -run TestPictures -pictures "$(CURDIR)/docs/img" -count 1 -v

# audit: known vulnerabilities in dependencies; needs the vulnerability database.
audit:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@latest $(TESTS)
