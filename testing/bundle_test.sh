#!/usr/bin/env bash
# What script/bundle makes, where there is nothing else: no libraries, no /etc, no home. script/test calls it; needs the
# built program, the synthetic models and the private root file system.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
models="$top/build/release/test-models"
work=$(mktemp -d)
chmod 755 "$work"
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
count=0
check() { count=$((count + 1)); [ "$2" = "$3" ] || { echo "bundle_test: $1: expected '$3', got '$2'" >&2; exit 1; }; }
rows() { "$top/script/enter" python3 -c '
import sys, pyarrow.parquet
print(*(pyarrow.parquet.read_table(path, columns=["text", "embedding"]) == pyarrow.parquet.read_table(sys.argv[1], columns=["text", "embedding"]) for path in sys.argv[2:]))' "$@"; }

folder=$("$top/script/bundle" --folder-only "$work/one" 2>/dev/null)
again=$("$top/script/bundle" --folder-only "$work/two" 2>/dev/null)
check 'two runs make the same bytes' "$(diff -r "$folder" "$again")" ''
name=$(basename "$folder")
mkdir -p "$work/in" "$work/out"
chmod 777 "$work/out"
seq -f 'text number %.0f' 50 >"$work/in/texts.txt"
"$top/script/llama-cli" embed -m "$models/bert.gguf" -i "$work/in/texts.txt" -o "$work/out/built.parquet" --quiet

# nothing FOLDER COMMAND…: in a root that has the bundle at FOLDER, models and texts to read, and a folder to write to
nothing() {
  local at=$1
  shift
  bwrap --ro-bind "$folder" "$at" --ro-bind "$models" /models --ro-bind "$work/in" /in --bind "$work/out" /out \
    --proc /proc --dev /dev --unshare-all --clearenv --die-with-parent --chdir /out "$@"
}
nothing '/ünï code' '/ünï code/llama-cli' embed -m /models/bert.gguf -i /in/texts.txt -o /out/nothing.parquet --quiet
nothing /b --unshare-user --uid 65534 --gid 65534 /b/llama-cli embed -m /models/bert.gguf -i /in/texts.txt -o /out/nobody.parquet --quiet
"$folder/llama-cli" embed -m "$models/bert.gguf" -i "$work/in/texts.txt" -o "$work/out/here.parquet" --quiet
ln -s "$folder/llama-cli" "$work/linked"
LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu "$work/linked" embed -m "$models/bert.gguf" -i "$work/in/texts.txt" -o "$work/out/linked.parquet" --quiet
# DuckDB's extensions are the bundle's own; a /tmp that is full is not needed.
"$top/script/enter" python3 - "$work/in/notes.db" <<'PY'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as notes:
    notes.execute("create table notes (text text)")
    notes.executemany("insert into notes values (?)", ((f"text number {i}",) for i in range(1, 51)))
PY
nothing /b --size 4096 --tmpfs /tmp /b/llama-cli embed -m /models/bert.gguf --attach /in/notes.db --column text \
  --query 'select text from notes.notes order by rowid' -o /out/table.parquet --quiet
# A plain chroot has no /proc: where the folder is, is found without, by a link's name as well.
bwrap --ro-bind "$folder" /b --symlink /b/llama-cli /usr/bin/llama-cli --ro-bind "$models" /models --ro-bind "$work/in" /in \
  --bind "$work/out" /out --dev /dev --unshare-all --clearenv --setenv PATH /usr/bin --die-with-parent --chdir /out \
  llama-cli embed -m /models/bert.gguf -i /in/texts.txt -o /out/chroot.parquet --quiet
# As a container's whole root.
bwrap --ro-bind "$folder/llama-cli" /llama-cli --ro-bind "$folder/lib" /lib --ro-bind "$models" /models --ro-bind "$work/in" /in \
  --bind "$work/out" /out --proc /proc --dev /dev --unshare-all --clearenv --die-with-parent --chdir /out \
  /llama-cli embed -m /models/bert.gguf -i /in/texts.txt -o /out/root.parquet --quiet
check 'the same vectors everywhere' "$(rows "$work"/out/{built,nothing,nobody,here,linked,table,chroot,root}.parquet)" \
  'True True True True True True True'
check 'our kernels' "$(nothing /b /b/llama-cli --version | sed -n 's/^kernels: \([a-z]*\).*/\1/p')" \
  "$("$top/script/llama-cli" --version | sed -n 's/^kernels: \([a-z]*\).*/\1/p')"
check 'an answer' "$(nothing /b /b/llama-cli generate -m /models/generator.gguf --prompt hello --limit 4 --temperature 0 --quiet | wc -c | sed 's/^[1-9].*/some/')" some
status=0; nothing /b /b/llama-cli embed -m /models/none.gguf -i /in/texts.txt -o /out/x.parquet 2>/dev/null || status=$?
check 'exit status' "$status" 4
# A download over TLS: refused where the certificate is not trusted, done where it is.
mkdir -p "$work/hub/org/name" "$work/trust"
cp "$models/bert.gguf" "$work/hub/org/name/"
"$top/script/enter" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout "$work/key.pem" -out "$work/trust/ca.pem" 2>/dev/null
cat "$work/key.pem" "$work/trust/ca.pem" >"$work/both.pem"
"$top/script/fake-hub" "$work/hub" --certificate "$work/both.pem" >"$work/hub.log" & hub=$!
trap 'kill "$hub" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
for _ in $(seq 100); do grep -qs HF_ENDPOINT "$work/hub.log" && break; sleep 0.1; done
endpoint=$(sed -n 's/^HF_ENDPOINT=//p' "$work/hub.log")
fetch() { nothing /b --share-net --setenv HF_ENDPOINT "$endpoint" --setenv XDG_CACHE_HOME /out/cache "$@" /b/llama-cli embed -m org/name -i /in/texts.txt -o /out/fetched.parquet --quiet; }
status=0; fetch 2>"$work/message" || status=$?
check 'TLS without trust' "$status, $(grep -ci certificate "$work/message")" '6, 1'
fetch --ro-bind "$work/trust" /trust --setenv SSL_CERT_FILE /trust/ca.pem
check 'TLS with SSL_CERT_FILE' "$(rows "$work"/out/{built,fetched}.parquet)" True
rm -rf "$work/out/cache" "$work/out/fetched.parquet"
fetch --ro-bind "$work/trust/ca.pem" /etc/pki/tls/certs/ca-bundle.crt
check "TLS with another distribution's certificates" "$(rows "$work"/out/{built,fetched}.parquet)" True

# Two versions at once, each waiting for its texts. One process each, the program itself; all code is from its own folder;
# nothing of the environment changed but where the certificates are; a killed one leaves nobody.
mv "$work/two/$name" "$work/two/other"
declare -a folders=("$(realpath "$folder")" "$(realpath "$work/two/other")") running=()
for at in "${folders[@]}"; do
  pipe="$work/pipe-${#running[@]}"
  mkfifo "$pipe"
  exec env -i PATH=/nowhere "$at/llama-cli" embed -m "$models/bert.gguf" -i - -o "$pipe.parquet" <"$pipe" >"$pipe.log" 2>&1 &
  running+=($!)
done
exec 3>"$work/pipe-0" 4>"$work/pipe-1"
for i in 0 1; do
  for _ in $(seq 100); do grep -qs 'loaded' "$work/pipe-$i.log" && break; sleep 0.1; done
  process=/proc/${running[i]}
  check 'it is the program' "$(readlink "$process/exe")" "${folders[i]}/lib/ld-linux-x86-64.so.2"
  check 'its children' "$(cat "$process"/task/*/children)" ''
  check 'its environment' "$(tr '\0' '\n' <"$process/environ" | sed 's/=.*//' | grep -vx SSL_CERT_FILE)" PATH
  check 'its libraries' "$(grep -o '/[^ ]*\.so[^ ]*' "$process/maps" | xargs -n 1 dirname | sort -u)" "${folders[i]}/lib"
done
kill -KILL "${running[@]}"
{ wait "${running[@]}"; } 2>/dev/null || true
exec 3>&- 4>&-
check 'what killed ones leave' "$(pgrep -f "$work/(one|two)/.*embed" || true)" ''
status=0
unshare --user --map-root-user --mount sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,noexec "$1" && "$1/llama-cli" --version' \
  sh "${folders[1]}" >"$work/message" 2>&1 || status=$?
check 'a folder that forbids programs' "$status, $(wc -l <"$work/message")" '126, 1'

mkdir "$work/broken"
cp "$folder/llama-cli" "$work/broken/"
status=0; "$work/broken/llama-cli" --version 2>"$work/message" || status=$?
check 'a launcher alone: exit status' "$status" 126
check 'a launcher alone: message' "$(grep -c 'belong together' "$work/message")" 1
mkdir "$work/other" "$work/other/lib"  # a loader of another architecture: 183 is arm64
cp "$folder/llama-cli" "$work/other/"
for file in ld-linux-x86-64.so.2 llama-cli; do
  { head -c 18 "$folder/lib/$file"; printf '\267\0'; tail -c +21 "$folder/lib/$file"; } >"$work/other/lib/$file"
  chmod +x "$work/other/lib/$file"
done
status=0; "$work/other/llama-cli" --version 2>"$work/message" || status=$?
check 'libraries of another architecture' "$status, $(wc -l <"$work/message")" '126, 1'
mkdir "$work/a:b"
cp "$folder/llama-cli" "$work/a:b/"
check 'a folder that the loader cannot take' "$("$work/a:b/llama-cli" --version 2>&1 | grep -c 'rename it')" 1
check 'a licence of every library' "$(ls "$folder"/licences/*.txt | wc -l)" \
  "$(("$("$top/script/enter" python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["packages"]))' "$folder/sbom.spdx.json")"))"
echo "bundle: $count checks passed"
