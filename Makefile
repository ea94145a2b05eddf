# Two commands matter to a newcomer: `make run` and `make test`.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build test check bench bench-broker fuzz golden interop release clean

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD   := CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)"

# How long `make fuzz` gives each fuzz test.
FUZZTIME ?= 20s
# How long one package may test. The slowest takes a fraction of it.
TESTTIME ?= 40m
# What else goes to the program, such as `make run ARGS="--listen :8081"` and
# `make bench ARGS=-short`.
ARGS ?=

# The broker beside golang.org/x/oauth2, the proxy beside one that does nothing. With
# ARGS, which are for test/bench, `make bench` leaves them out.
BENCHBROKER := go test -run '^$$' -bench . -benchtime 3s -p 1 ./broker ./proxy

PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64

# Tools, pinned here and not in go.mod: nothing of ours imports them.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.8.0

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Start a server with a demo tenant and the tools; it prints commands to try
	bin/postern serve --demo --experimental tools $(ARGS)

build: ## Build bin/postern, one static binary
	$(BUILD) -o bin/postern ./cmd/postern

test: ## Run every test, with the race detector and both databases
	test/provide
	test/with-postgres go test -race -timeout $(TESTTIME) ./...

check: ## Look at the source: format, vet, staticcheck, modules, known vulnerabilities
	@out=$$(find . -name node_modules -prune -o -name '*.go' -print | xargs gofmt -l); if [ -n "$$out" ]; then echo "not formatted as gofmt does:"; echo "$$out"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...
	go mod verify
	go mod tidy -diff
	@echo "go run $(GOVULNCHECK) ./..."
	@out=$$(go run $(GOVULNCHECK) ./... 2>&1) && { echo "$$out"; exit 0; }; \
	if grep -q '^govulncheck: fetching vulnerabilities' <<<"$$out"; then \
		echo "NOT CHECKED for known vulnerabilities: their database cannot be read from here"; \
	else echo "$$out"; exit 1; fi

bench: ## Measure tokens, the HR API, the broker and the proxy beside their floors
	POSTERN_TEST_FSYNC=on test/with-postgres go run ./test/bench $(ARGS)
	$(if $(strip $(ARGS)),,$(BENCHBROKER))

bench-broker: ## Measure the broker and the proxy alone, a minute
	$(BENCHBROKER)

fuzz: ## Run every fuzz test for FUZZTIME (20s)
	@grep -rlE '^func Fuzz' --include='*_test.go' --exclude-dir=node_modules . | sort | while read -r file; do \
		for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$file"); do \
			echo "== $$name in $$(dirname "$$file")"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")"; \
		done; \
	done

golden: ## Write golden files and transcripts anew; review them like code
	@grep -rlE 'flag\.Bool(Var)?\([^)]*"update"' --include='*_test.go' --exclude-dir=node_modules . | xargs -r -n1 dirname | sort -u | while read -r dir; do \
		echo "== $$dir"; go test "$$dir" -update; \
	done
	@git status --short 2>/dev/null || true

interop: ## Try clients that others wrote: Go and JavaScript libraries
	test/interop/run $(ARGS)

release: ## Cross-compile to dist/, with checksums
	rm -rf dist && mkdir -p dist
	@for p in $(PLATFORMS); do \
		os=$${p%/*} arch=$${p#*/} ext=; [ "$$os" != windows ] || ext=.exe; \
		echo "dist/postern-$(VERSION)-$$os-$$arch$$ext"; \
		GOOS=$$os GOARCH=$$arch $(BUILD) -o "dist/postern-$(VERSION)-$$os-$$arch$$ext" ./cmd/postern; \
	done
	cd dist && { sha256sum postern-* 2>/dev/null || shasum -a 256 postern-*; } >SHA256SUMS
	cat dist/SHA256SUMS

clean: ## Remove what was built; demo data in postern-data/ stays
	rm -rf bin dist test/out
