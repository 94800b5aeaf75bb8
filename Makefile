# Everyday tasks. Each installs what it needs (see scripts/setup.sh) and works from a clean clone.
SHELL := /bin/bash
# Debian's cargo where the machine's own is missing or too old.
CARGO ?= $(shell scripts/cargo.sh)

.PHONY: demo build test lint bench soak bpf bpf-verify clean

demo: ## Two VPCs, a peering, real packets: installs, builds, runs, cleans up
	scripts/setup.sh demo
	$(CARGO) build --bin causeway
	target/debug/causeway demo

build: ## target/release/causeway
	scripts/setup.sh build
	$(CARGO) build --release --bin causeway

lint: ## Formatting, clippy, house rules, the kernel object's source hash
	@if $(CARGO) fmt --version >/dev/null 2>&1; then $(CARGO) fmt --all --check; \
	else echo 'NOT RUN: this toolchain has no rustfmt, formatting is not checked'; fi
	@if $(CARGO) clippy --version >/dev/null 2>&1; then \
	    $(CARGO) clippy --workspace --all-targets --quiet -- -D warnings; \
	else echo 'NOT RUN: this toolchain has no clippy, lints are not checked'; fi
	$(CARGO) xtask bpf --check
	$(CARGO) xtask tidy

test: ## Everything that a change has to pass; as root nothing is skipped
	scripts/setup.sh test
	$(MAKE) lint
	$(CARGO) build --workspace --bins --tests
	CARGO=$(CARGO) tests/all.sh

bench: ## Ratios against a direct veth pair, a Linux router with nftables, and moto's API server
	scripts/setup.sh bench
	$(CARGO) build --release --bin causeway --bin causeway-bench
	target/release/causeway-bench --moto target/moto/bin/moto_server

soak: ## The long runs: more random configurations, packets and crashes
	scripts/setup.sh test
	CAUSEWAY_SOAK=1 $(CARGO) test --workspace --release --no-fail-fast
	$(CARGO) build --bin causeway
	CAUSEWAY_SOAK=1 tests/schema/run.sh

bpf: ## Rebuilds the committed kernel objects
	scripts/setup.sh bpf
	$(CARGO) xtask bpf

bpf-verify: ## Rebuilds the kernel objects elsewhere and compares them with the committed ones
	scripts/setup.sh bpf
	$(CARGO) xtask bpf --verify

clean:
	$(CARGO) clean
