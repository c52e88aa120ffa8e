# `make` alone lists the targets. docs/development.md explains them.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

BIN := bin/samjournal
TOOLS := .cache/tools
TOOLS_STAMP := $(TOOLS)/.built
RESULTS := test-results

WEB_FILES := $(shell find web/src web/public -type f) web/index.html web/console.html web/schema.graphql web/vite.config.ts \
	web/tsconfig.json
WEB_MODULES := web/node_modules/.package-lock.json
WEB_BUILT := web/dist/index.html

# Packages with goroutines of their own run again under the race detector, where modernc's SQLite is about 24 times
# slower: -short tells their tests to do fewer rounds of the same.
RACE_PACKAGES ?= ./internal/httpserver/... ./internal/journal/... ./internal/store/... ./internal/subscription/... \
	./internal/auth/... ./internal/atend/... ./internal/inuse/... ./internal/progress/... ./internal/testpostgres/... ./internal/conformance/...
PACKAGES ?= ./...
GOTESTSUM = $(TOOLS)/gotestsum --format pkgname-and-test-fails

FUZZTIME ?= 1m

# The order is that of the answer's cost: what fails in seconds comes first.
TEST_STEPS := install-postgresql install-chromium install-node generate-check lint vet test-go test-race fault \
	test-web test-clients test-browser

# What go generate writes; all of it is committed.
GENERATED := ent graph schema docs web/schema.graphql go.mod go.sum

##@ Use

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-19s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# The server replaces no shell and no wrapper: make starts it directly, so it gets an interrupt or SIGTERM itself.
.PHONY: run
run: $(BIN) ## Build what changed and serve on 127.0.0.1:8080 (ARGS="--listen …" adds flags)
	@$(BIN) serve $(ARGS)

.PHONY: build
build: $(BIN) ## Build bin/samjournal, with console and Playground where Node is present

.PHONY: web
web: ## Build console and Playground (needs Node 20.19 or later)
	@scripts/ensure node
	@$(MAKE) --no-print-directory $(WEB_BUILT)

.PHONY: clean
clean: ## Remove what was built; keeps journals (*.db)
	rm -rf bin .cache $(RESULTS) coverage.out node_modules {web,tests/*}/node_modules
	find web/dist -mindepth 1 -not -name .gitkeep -delete

##@ Change

.PHONY: fmt
fmt: $(TOOLS_STAMP) ## Format the Go code
	$(TOOLS)/golangci-lint fmt

.PHONY: generate
generate: ## Generate ent/, schema/ent.graphql and graph/ from ent/schema and schema/
	go generate ./...

.PHONY: migration
migration: | install-postgresql ## Write the next migration of both databases (name=add_user_locale)
	go run ./internal/store/migrationgen "$(name)"

.PHONY: lint
lint: $(TOOLS_STAMP) ## Run the linters (make fmt settles the formatting)
	$(TOOLS)/golangci-lint config verify
	$(TOOLS)/golangci-lint run

##@ Prove

.PHONY: test
test: $(TEST_STEPS) ## Everything, under 15 minutes from cold caches; installs what it needs
	@scripts/summary $(RESULTS)

.PHONY: test-long
test-long: export SAMJOURNAL_TEST_LONG = 1
test-long: GO_TEST_FLAGS += -timeout 60m
test-long: test ## The same with long property and load tests, then each fuzz target for FUZZTIME=1m
	scripts/fuzz $(FUZZTIME)

# Tests that start the binary would be taken from the cache when only the binary has changed: hence -count 1.
.PHONY: test-go
test-go: $(TOOLS_STAMP) | install-postgresql ## Go tests (PACKAGES=./internal/journal/... for some)
	@mkdir -p $(RESULTS)
	$(GOTESTSUM) --junitfile $(RESULTS)/go.xml -- -count 1 $(GO_TEST_FLAGS) $(PACKAGES)

.PHONY: test-race
test-race: $(TOOLS_STAMP) | install-postgresql ## Go tests of packages with goroutines, under the race detector
	@mkdir -p $(RESULTS)
	$(GOTESTSUM) --junitfile $(RESULTS)/race.xml -- -race -short $(RACE_PACKAGES)

.PHONY: fault
fault: $(TOOLS_STAMP) | install-postgresql ## Break servers, connections and databases under load, and compare what is left
	@mkdir -p $(RESULTS)
	$(TOOLS)/gotestsum --format standard-verbose --junitfile $(RESULTS)/fault.xml -- \
		-tags fault -count 1 $(GO_TEST_FLAGS) ./tests/fault

.PHONY: test-web
test-web: $(WEB_BUILT) ## Type check of web/, its operations against the schema, and the size of what the console loads
	cd web && npm run --silent check

.PHONY: test-clients
test-clients: $(BIN) tests/clients/node_modules/.package-lock.json | install-postgresql ## Client libraries from npm, on both databases
	@mkdir -p $(RESULTS)
	cd tests/clients && go run ../../internal/testpostgres/withpostgres \
		sh -c 'DATABASE_URL_POSTGRES=$$DATABASE_URL npm test' 2>&1 | tee ../../$(RESULTS)/clients.log

.PHONY: test-browser
test-browser: $(BIN) tests/browser/node_modules/.package-lock.json | install-postgresql install-chromium ## Console (on both databases) and Playground in Chromium
	@mkdir -p $(RESULTS)
	cd tests/browser && go run ../../internal/testpostgres/withpostgres \
		sh -c 'DATABASE_URL_POSTGRES=$$DATABASE_URL npm test' 2>&1 | tee ../../$(RESULTS)/browser.log

.PHONY: vet
vet: ## go vet, also of files behind build tags
	go vet ./...
	go vet -tags fault,crashpoint ./tests/fault ./internal/crashpoint

.PHONY: generate-check
generate-check: ## Generate again: nothing may change
	scripts/unchanged $(GENERATED) -- $(MAKE) --no-print-directory generate

.PHONY: bench
bench: | install-postgresql ## Measure pages, appends and counts on 1,000,000 entries, many callers and the feed; writes bench/RESULTS.md
	go run ./bench
	go run ./bench appends
	go run ./bench feed
	go run ./bench counts

.PHONY: audit
audit: $(WEB_MODULES) ## Look for known vulnerabilities (needs internet)
	go run golang.org/x/vuln/cmd/govulncheck@latest ./...
	cd web && npm audit
	for directory in tests/*/; do (cd "$$directory" && npm audit); done

##@ Install

.PHONY: install-postgresql install-chromium install-node
install-postgresql: ## PostgreSQL's server binaries, if they are missing
	@scripts/ensure postgresql
install-chromium: ## Chromium, if it is missing
	@scripts/ensure chromium
install-node: ## Node is not installed for you: this says how
	@scripts/ensure node

# Files

.PHONY: FORCE
FORCE:

# The Playground is part of the binary, but the binary does not need it: without Node the server says how to build it.
# Go itself finds out what changed, embedded files included, in less than a second.
$(BIN): FORCE $(if $(shell scripts/ensure node 2>/dev/null && echo yes),$(WEB_BUILT))
	@mkdir -p $(@D)
	@[ -e $(WEB_BUILT) ] || echo "Node 20.19 or later is not installed: building without console and Playground, all else works."
	@go build -trimpath -o $@ .

$(WEB_BUILT): $(WEB_FILES) $(WEB_MODULES)
	cd web && npm run --silent build
	@touch $@

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@scripts/ensure node
	cd $* && npm ci --no-audit --no-fund
	@touch $@

$(TOOLS_STAMP): tools/go.mod tools/go.sum
	@mkdir -p $(TOOLS)
	cd tools && go build -o ../$(TOOLS)/ tool
	@touch $@
