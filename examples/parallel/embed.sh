#!/usr/bin/env bash
# Embed a table in shares, some at a time; the same command goes on where a share or this script was killed.
#
#   embed.sh MODEL INPUT COLUMN FOLDER [SHARES [AT_ONCE]]
set -euo pipefail
[ $# -ge 4 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export model=$1 input=$2 column=$3 folder=$4 shares=${5:-8}
at_once=${6:-2}
export threads=$((($(nproc) + at_once - 1) / at_once))

embed_share() {
  llama-cli embed -m "$model" -i "$input" --column "$column" -o "$folder" --shard "$1/$shares" --threads "$threads" --quiet
}
export -f embed_share
export SHELL=${BASH:-/bin/bash}

# The model is fetched once, before the workers start.
[ -e "$model" ] || llama-cli models pull "$model"
seq 0 $((shares - 1)) |
  parallel --jobs "$at_once" --retries 5 --joblog "$folder.joblog" --resume-failed --halt soon,fail=3 embed_share
llama-cli shards "$folder"
