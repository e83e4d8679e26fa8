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

# Compare `docent index` on 10,000 files that have not changed with `find` over them
bench-unchanged *OPTIONS:
    cargo build --release --locked
    python3 benches/unchanged.py {{OPTIONS}}

# Compare approximate search with hnswlib, usearch and faiss, in an environment of its own (needs pip)
bench-ann *OPTIONS:
    python3 benches/ann.py {{OPTIONS}}

# Compare `docent batch` with one question after the other over MCP, and with the encoder alone
bench-batch ROUNDS="5" QUESTIONS="1000":
    cargo bench --locked --bench batch -- {{ROUNDS}} {{QUESTIONS}}

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

# What each part of the ranking is worth, over SETS: NAME=QUESTIONS:CORPUS
bench-ablation +SETS:
    cargo build --release --locked
    python3 benches/ablation.py --set {{replace(SETS, " ", " --set ")}}

# Recall, precision and IoU of the chunks, over SET: a folder with corpora/ and questions.jsonl
bench-chunking SET:
    cargo build --release --locked
    python3 benches/chunking.py {{SET}}

# docent beside its rivals and its limits, into docs/performance.md (installs what it compares with; takes long)
bench-performance *ARGUMENTS:
    cargo build --release --locked
    target/release/docent pull all-minilm-l6-v2
    python3 benches/performance {{ARGUMENTS}}

# Count the instructions of the hot paths: fails where one has grown by more than 3 % (needs valgrind)
bench-guard *ARGUMENTS:
    cargo bench --locked --bench guard -- {{ARGUMENTS}}

# Ask docent and the server that its preset `workos` stands in for the same, into docs/parity.md (needs Node and npm)
parity *QUESTIONS:
    cargo build --release --locked
    python3 benches/parity.py --docent target/release/docent {{ if QUESTIONS == "" { "" } else { "--questions " + QUESTIONS } }}
