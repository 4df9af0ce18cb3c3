#!/usr/bin/env bash
# Embed many files, some at a time, each into a file of its own; the same command goes on where it was killed.
#
#   AT_ONCE=2 embed_files.sh MODEL COLUMN FOLDER FILE…
set -euo pipefail
[ $# -ge 4 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export model=$1 column=$2 folder=$3
shift 3
at_once=${AT_ONCE:-2}
export threads=$((($(nproc) + at_once - 1) / at_once))

# An output has its name only when it is whole: one that is there is done.
embed_file() {
  local output
  output=$folder/$(basename "${1%.*}").parquet
  [ -e "$output" ] ||
    llama-cli embed -m "$model" -i "$1" --column "$column" -o "$output" --threads "$threads" --on-error null --quiet
}
export -f embed_file
export SHELL=${BASH:-/bin/bash}

[ -e "$model" ] || llama-cli models pull "$model"
mkdir -p "$folder"
printf '%s\0' "$@" | parallel --null --jobs "$at_once" --retries 5 --halt soon,fail=3 embed_file
