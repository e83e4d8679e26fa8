# Short names for what docent's developers do often. Each recipe is plain cargo, so nothing here needs `just`:
# read the line under the name and run it.

# List the recipes
default:
    @just --list --unsorted

# Build the program, and fetch ONNX Runtime into models/, where the default model is
setup:
    cargo build --release --locked
    cargo run --release --locked -- pull

# Run all tests, or those whose name contains FILTER
test *FILTER:
    cargo test --locked {{FILTER}}

# Look for what the property tests have not met yet: CASES random ones each
explore CASES="20000":
    PROPTEST_RNG_SEED="$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')" PROPTEST_CASES={{CASES}} cargo test --locked --lib

# Change the corpus of each fuzz target ROUNDS times, without a fuzzer
fuzz ROUNDS="20000":
    DOCENT_FUZZ_ROUNDS={{ROUNDS}} cargo test --locked fuzzing

# Compare approximate search with hnswlib, usearch and faiss, in an environment of its own (needs pip)
bench-ann *OPTIONS:
    python3 benches/ann.py {{OPTIONS}}

# Check the formatting and all lints, as .ci/run does
lint:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings

# Format the sources
fmt:
    cargo fmt

# Build the documentation of the code, private items included, with warnings as errors
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --document-private-items

# Check licences, advisories and sources of the dependencies (needs `cargo install cargo-deny` and the network)
deny:
    cargo deny check

# Index docent's own manual, ask it a question, and print the configuration for MCP clients
quickstart *PATH:
    cargo run --release --locked -- quickstart {{PATH}}

# Everything that continuous integration checks
ci:
    .ci/run
