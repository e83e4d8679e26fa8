#!/bin/sh
# Measures a judged set of questions in two ways, and counts something of its own. Needs docent and awk.
#
#     sh examples/evaluate.sh SET INDEX OUT
#
# SET is a folder with questions.jsonl (and, for the second way, rephrasings), INDEX an index of their documents,
# OUT a folder for what is written.
set -eu
set_=$1 index=$2 out=$3
mkdir -p "$out"

# The measures, with the questions as they are and in their other wordings.
docent eval "$set_" --index "$index" --quiet --json "$out/bare.json"
docent eval "$set_" --index "$index" --quiet --json "$out/worded.json" --with-rephrasings

# What that changed: differences with intervals and p-values, questions gained and lost.
docent compare "$out/bare.json" "$out/worded.json" --html "$out/changed.html"

# A run for trec_eval and its relatives, and a table for everything else.
docent batch "$set_" --index "$index" --quiet --format trec --limit 10 --output "$out/docent.run"
docent batch "$set_" --index "$index" --quiet --format csv --limit 10 --output "$out/docent.csv"

# How often is each document first?
awk '$4 == 1 { first[$3]++ } END { for (document in first) print first[document], document }' "$out/docent.run" |
    sort -k1,1nr -k2 > "$out/first.txt"
echo
echo "documents that stand first most often:"
head -n 5 "$out/first.txt"
