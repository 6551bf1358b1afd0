# Two commands for newcomers: `make demo` and `make test`. Everything else is for work on the hub itself.

.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# Arguments of the hub, such as: make demo ARGS="--listen 127.0.0.1:9000"
ARGS ?=

## How many times as long as usual `make soak` takes
TIMES ?= 20

.PHONY: demo test soak bench format accept needs needs-test

## Installs what is missing, builds, and starts the hub with the sample data on http://127.0.0.1:8080/
demo: needs
	cargo build --locked --quiet
	exec ./target/debug/hub demo $(ARGS)

## Installs what the tests need and runs every check
test: needs-test
	cargo fmt --check
	cargo clippy --locked --all-targets -- --deny warnings
	cargo build --locked --examples
	INSTA_UPDATE=no cargo test --locked --tests

## Runs the proofs that followers miss nothing for TIMES as long as `make test` does
soak: needs-test
	HUB_SOAK=$(TIMES) cargo test --locked --test it -- follow::

## Loads the data of scale 1 once and measures the hub against the floors; about three quarters of an hour the first time. One part
## alone: make bench ARGS="--part fanout"
bench:
	@./needs.sh bench
	cargo bench --locked --bench hub -- --hub target/release/hub $(ARGS)

## Formats the code
format:
	cargo fmt

## Writes the contract and the golden answers anew, to be reviewed as a diff
accept: needs-test
	cargo build --locked --quiet
	./target/debug/hub schema > schema.graphql
	cargo build --locked --examples
	INSTA_UPDATE=always cargo test --locked --tests

needs:
	@./needs.sh

needs-test:
	@./needs.sh test
