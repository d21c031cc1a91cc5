# What to type in this checkout. `make` alone lists it.

CARGO_TARGET_DIR ?= target
CHATELAINE_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/chatelaine
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(CHATELAINE_CACHE_DIR)/tools/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
MDBOOK_VERSION := 0.5.4
MDBOOK := $(CHATELAINE_CACHE_DIR)/tools/mdbook-$(MDBOOK_VERSION)/bin/mdbook
BIN := $(CARGO_TARGET_DIR)/debug
export CARGO_TARGET_DIR CHATELAINE_CACHE_DIR
# Where tests and targets note what they could not do, for the last words of `make test`.
export CHATELAINE_SKIPPED := $(abspath $(CARGO_TARGET_DIR))/skipped.txt

.PHONY: help
help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

.PHONY: up
up: rust ## start a control plane with the operator and the examples, or what of it does not run
	cargo build --workspace --bins --locked
	@$(BIN)/household up $(BIN)/chatelaine

.PHONY: down
down: rust ## stop what `make up` started and remove its data
	@test -x $(BIN)/household || cargo build -p support --bins --locked
	@$(BIN)/household down

.PHONY: test
test: forget-skips fmt lint deny book unit ## everything: format, lints, licences and advisories, the guide, unit, schema and cluster tests
	@if test -s $(CHATELAINE_SKIPPED); then \
		echo; echo "=== SKIPPED, so not tested:"; sed 's/^/===   /' $(CHATELAINE_SKIPPED); \
	else echo; echo "=== nothing was skipped"; fi

.PHONY: fmt
fmt: rust ## check the format
	cargo fmt --all --check

.PHONY: lint
lint: rust ## clippy, without mercy
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: deny
deny: rust $(CARGO_DENY) ## licences, sources, duplicates and known vulnerabilities of what we depend on
	$(CARGO_DENY) --locked check bans licenses sources
	@if timeout 120 $(CARGO_DENY) fetch db >$(CARGO_TARGET_DIR)/advisories.log 2>&1; then \
		$(CARGO_DENY) --locked --offline check advisories; \
	else echo "known vulnerabilities: the advisory database cannot be fetched ($(CARGO_TARGET_DIR)/advisories.log says why)" \
		| tee -a $(CHATELAINE_SKIPPED); fi

.PHONY: book
book: rust $(MDBOOK) ## the guide as web pages, in target/book
	$(MDBOOK) build docs --dest-dir $(abspath $(CARGO_TARGET_DIR))/book

.PHONY: unit
unit: rust ## every test, on a control plane of its own
	cargo test --workspace --locked

.PHONY: bench
bench: rust ## what a fleet costs beside the least that it could: figures, not a test (CREDENTIALS=1000,10000 ACCOUNTS=1)
	cargo bench --locked --bench fleet -- --credentials $(or $(CREDENTIALS),1000,10000) $(if $(ACCOUNTS),--accounts $(ACCOUNTS))

.PHONY: crds
crds: rust ## write crds/ anew from the types
	cargo run --locked --bin chatelaine -- crds --directory crds

.PHONY: forget-skips
forget-skips:
	@mkdir -p $(CARGO_TARGET_DIR) && rm -f $(CHATELAINE_SKIPPED)

.PHONY: rust
rust:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust as https://rustup.rs says"; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler is missing: install gcc (Debian: apt install build-essential)"; exit 1; }

$(CARGO_DENY):
	@echo "installing cargo-deny $(CARGO_DENY_VERSION) (once; usually 5 minutes on two cores)"
	cargo install --locked --version $(CARGO_DENY_VERSION) --root $(dir $(@D)) cargo-deny

$(MDBOOK):
	@echo "installing mdbook $(MDBOOK_VERSION) (once; usually 3 minutes on two cores)"
	cargo install --locked --no-default-features --version $(MDBOOK_VERSION) --root $(dir $(@D)) mdbook
