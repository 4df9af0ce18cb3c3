#!/usr/bin/env bash
# script/llama-cli as a user meets it: from any folder, odd paths, standard input, exit status, Ctrl-C, terminate.
# Runs outside the private root file system (script/test calls it); needs the built program and the synthetic models.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
model="$top/build/release/test-models/bert.gguf"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cli="$top/script/llama-cli"
count=0
check() { count=$((count + 1)); [ "$2" = "$3" ] || { echo "scripts_test: $1: expected '$3', got '$2'" >&2; exit 1; }; }

cd "$work"
mkdir 'odd ünï'
printf 'one\ntwo\n' >'odd ünï/in put.txt'
"$cli" embed -m "$model" -i 'odd ünï/in put.txt' -o 'odd ünï/aus gabe.parquet' --quiet
check 'relative and odd paths' "$(head -c 4 'odd ünï/aus gabe.parquet')" PAR1
printf 'hello\n' | "$cli" embed -m "$model" -i - -o stdin.parquet --quiet
check 'standard input' "$(head -c 4 stdin.parquet)" PAR1
status=0; "$cli" embed -m "$model" -i missing.txt -o x.parquet 2>/dev/null || status=$?
check 'exit status' "$status" 3
ln -s "$cli" linked
check 'through a link' "$(./linked --version | head -n 1 | cut -d' ' -f1)" llama-cli

# A folder of the root may be a link, as /home is on some systems.
outside=()
for path in /*; do
  if [ -L "$path" ]; then outside+=(--symlink "$(readlink "$path")" "$path")
  elif [ -d "$path" ] && [ "$path" != /srv ]; then outside+=(--dev-bind "$path" "$path"); fi
done
bwrap "${outside[@]}" --symlink "$work" /srv "$cli" embed -m "$model" -i '/srv/odd ünï/in put.txt' -o /srv/link.parquet --quiet
check 'through a link of the root' "$(head -c 4 link.parquet)" PAR1

# Which program it runs: all of it once that is built, before that what script/demo built, for the commands that this has.
tree=$work/tree; built=$tree/build/release/llama-cli
mkdir -p "$tree/script" "$built"
cp "$cli" "$tree/script"
printf '#!/bin/sh\necho "ran ${1##*/} $2"\n' >"$tree/script/enter"
printf '#!/bin/sh\necho "built $2"\ntouch "%s/$2"; chmod +x "%s/$2"\n' "$built" "$built" >"$tree/script/bootstrap"
chmod +x "$tree/script/enter" "$tree/script/bootstrap"
ran() { "$tree/script/llama-cli" "$@" | paste -sd' '; }
check 'nothing is built: what embeds is' "$(ran embed)" 'built llama-cli-embed ran llama-cli-embed embed'
check 'a part is built: it runs' "$(ran models)" 'ran llama-cli-embed models'
check 'a part is built: the rest is when it is asked for' "$(ran generate)" 'built llama-cli ran llama-cli generate'
check 'all is built: it runs' "$(ran embed)" 'ran llama-cli embed'

seq -f 'the number %.0f of the long text' 300000 >many.txt  # equal texts would be computed once
started() { for _ in $(seq 100); do grep -q Processing log 2>/dev/null && return; sleep 0.1; done; cat log >&2; }
# As a terminal does: the signal goes to every process of the group. (A background job would ignore SIGINT.)
rm -f log
setsid env --default-signal=INT \
  "$cli" embed -m "$model" -i many.txt -o int.parquet >log 2>&1 & pid=$!
started; sleep 0.5
kill -INT -- "-$pid"; status=0; wait "$pid" || status=$?
check 'Ctrl-C: exit status' "$status" 130
check 'Ctrl-C: message' "$(grep -c '^Interrupted: ' log)" 1
check 'Ctrl-C: nothing left but the journal' "$(find . -name '*int.parquet*' ! -name '*.journal')" ''
rm -f log
"$cli" embed -m "$model" -i many.txt -o term.parquet >log 2>&1 & pid=$!
started; sleep 0.5
kill -TERM "$pid"; status=0; wait "$pid" || status=$?
check 'terminate: exit status' "$status" 143
left() { find . -name '*term.parquet*' ! -name '*.journal'; }
for _ in $(seq 50); do [ -n "$(left)" ] || break; sleep 0.1; done
check 'terminate: nothing left but the journal' "$(left)" ''
status=0; "$top/script/deb" --from "$work" "$work" 2>log || status=$?
check 'a folder that is no bundle' "$status $(grep -c 'no folder that script/bundle made' log)" '2 1'
echo "scripts: $count checks passed"
