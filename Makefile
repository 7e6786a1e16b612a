# The one entry point. What takes more than a line is in scripts/.
.DEFAULT_GOAL := help
PRICE_SOURCES ?= ../shared/data/prices
.PHONY: help run test crash-test build lib bench fuzz lint prices prices-compare image image-test stack-up stack-down demo clean

help: ## Print this list
	@echo 'Tokenledger: exact totals of coding agents. Targets:'
	@awk -F ' *## ' '/^[a-z-]+:.*## / { sub(/:.*/, "", $$1); printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build everything and run the collector in the foreground
	@scripts/check-tools.sh
	@$(MAKE) --no-print-directory build
	@scripts/run-collector.sh

test: ## Run every test
	@scripts/check-tools.sh test
	@$(MAKE) --no-print-directory build
	@scripts/run-tests.sh

crash-test: build ## Kill the collector and cut its power 200 times (TOKENLEDGER_CRASHES=200)
	@scripts/check-tools.sh test
	@scripts/run-crash-tests.sh

build: lib ## Build build/otelcol-tokenledger and build/tokenledger
	@scripts/build-binaries.sh

lib: ## Build the engine's library for the Go packages
	@scripts/check-tools.sh
	@scripts/build-library.sh

bench: build ## Measure against the stock processor and write docs/benchmarks.md
	@scripts/run-benchmarks.sh

fuzz: ## Fuzz what parses foreign bytes (FUZZ_SECONDS=60 for each target)
	@for target in flat_buffer otlp_bytes distribution engine ledger_blob price_file; do \
	  rust/fuzz/run.sh $$target -max_total_time=$${FUZZ_SECONDS:-60} || exit 1; \
	done

lint: lib ## Check format, lints and generated files
	@scripts/lint.sh

prices: ## Write the built-in price table anew and show what changes (PRICE_SOURCES=folder)
	@cargo run --quiet --locked -p tokenledger-price-generator -- --sources $(PRICE_SOURCES)
	@cargo run --quiet --locked -p tokenledger-price-generator -- --sources $(PRICE_SOURCES) --names

prices-compare: ## Compare costs with LiteLLM's and ccusage's (needs the network); write docs/price-comparison.md
	@compare/prices/run.sh

image: build ## Build the container image and build/image.tar (docs/image.md)
	@scripts/build-image.sh

image-test: ## Run the image, alone and in existing stacks, in boxes of their own (as root, after make image; TEST=regex)
	@scripts/run-image-tests.sh $(TEST)

stack-up: ## (not there yet) Start the collector with Prometheus and Grafana in containers
	@echo 'make stack-up: there is no stack of containers yet; use `make run` and your own Prometheus.' >&2; exit 1

stack-down: ## (not there yet) Stop what stack-up started
	@echo 'make stack-down: there is no stack of containers yet, so nothing runs.' >&2; exit 1

demo: build ## Replay two recorded sessions and compare the totals with the truth (DEMO_FLAGS=--fast)
	@build/tokenledger demo $(DEMO_FLAGS)

clean: ## Remove everything that was built
	rm -rf build go-shim/internal/engine/lib go-shim/internal/engine/library_digest.h
	cargo clean
