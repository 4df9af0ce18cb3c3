#!/usr/bin/env bash
# What script/bundle makes, in the plain roots of older distributions and where there is nothing but busybox:
#
#   testing/bundle_roots.sh [FOLDER]     default: it makes the bundle first
#
# Each embeds (the same vectors as the built program), answers, reads a database and fetches a model over TLS. Not part
# of script/test: the roots are fetched each time (250 MB). Needs the built program and the private root file system.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
models="$top/build/release/test-models"
work=$(mktemp -d)
chmod 755 "$work"
hub=
trap '[ -z "$hub" ] || kill "$hub" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
count=0
check() { count=$((count + 1)); [ "$2" = "$3" ] || { echo "bundle_roots: $1: expected '$3', got '$2'" >&2; exit 1; }; }
same() { "$top/script/enter" python3 -c '
import sys, pyarrow.parquet
print(*(pyarrow.parquet.read_table(path, columns=["text", "embedding"]) == pyarrow.parquet.read_table(sys.argv[1], columns=["text", "embedding"]) for path in sys.argv[2:]))' "$@"; }
near() { "$top/script/enter" python3 -c '
import sys, numpy, pyarrow.parquet
rows = [numpy.array(pyarrow.parquet.read_table(path)["embedding"].to_pylist()) for path in sys.argv[1:]]
cosine = lambda a, b: (a * b).sum(1) / numpy.linalg.norm(a, axis=1) / numpy.linalg.norm(b, axis=1)
print(*(bool((cosine(rows[0], other) > 0.9999).all()) for other in rows[1:]))' "$@"; }

folder=${1:-$("$top/script/bundle" --folder-only "$work/bundle" 2>/dev/null)}
mkdir -p "$work/in" "$work/out" "$work/hub/org/name" "$work/trust" "$work/roots"
chmod 777 "$work/out"
seq -f 'text number %.0f' 50 >"$work/in/texts.txt"
"$top/script/enter" python3 - "$work/in/notes.db" <<'PY'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as notes:
    notes.execute("create table notes (id integer, text text)")
    notes.executemany("insert into notes values (?, ?)", ((i, f"text number {i}") for i in range(1, 51)))
PY
"$top/script/llama-cli" embed -m "$models/bert.gguf" -i "$work/in/texts.txt" -o "$work/out/built.parquet" --quiet
cp "$models/bert.gguf" "$work/hub/org/name/"
"$top/script/enter" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout "$work/key.pem" -out "$work/trust/ca.pem" 2>/dev/null
cat "$work/key.pem" "$work/trust/ca.pem" >"$work/both.pem"
"$top/script/fake-hub" "$work/hub" --certificate "$work/both.pem" >"$work/hub.log" & hub=$!
for _ in $(seq 100); do grep -qs HF_ENDPOINT "$work/hub.log" && break; sleep 0.1; done
endpoint=$(sed -n 's/^HF_ENDPOINT=//p' "$work/hub.log")

busybox() {
  mkdir -p "$work/roots/busybox/bin"
  (cd "$work" && apt-get download busybox-static >/dev/null 2>&1 && dpkg-deb -x busybox-static_*.deb busybox-package)
  cp "$work/busybox-package/bin/busybox" "$work/roots/busybox/bin/busybox"
  for name in sh ls cat wc; do ln -s busybox "$work/roots/busybox/bin/$name"; done
}

# inside ROOT [BWRAP OPTION…] -- COMMAND…
inside() {
  local root=$1
  shift
  local -a options=()
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  bwrap --ro-bind "$work/roots/$root" / --tmpfs /opt --ro-bind "$folder" "/opt/ünï code" --tmpfs /mnt \
    --ro-bind "$models" /mnt/models --ro-bind "$work/in" /mnt/in --bind "$work/out" /mnt/out --proc /proc --dev /dev \
    --unshare-all --unshare-user --uid 65534 --gid 65534 --clearenv --setenv PATH /bin:/usr/bin --die-with-parent \
    --chdir /mnt/out "${options[@]}" "$@"
}
for root in bookworm bullseye busybox; do
  if [ "$root" = busybox ]; then
    mkdir -p "$work/roots/busybox"/{opt,mnt,proc,dev}
    busybox
  elif ! "$top/testing/debian_root.sh" "$root" "$work/roots/$root"; then
    echo "bundle_roots: no root of $root here; it is left out" >&2
    continue
  fi
  cli="/opt/ünï code/llama-cli"
  rm -rf "$work/out"/{cache,[a-z]*-*.parquet}
  inside "$root" -- "$cli" embed -m /mnt/models/bert.gguf -i /mnt/in/texts.txt -o lines-1.parquet --quiet
  inside "$root" -- "$cli" embed -m /mnt/models/bert.gguf --attach /mnt/in/notes.db --column text \
    --query 'select text from notes.notes order by id' -o table-1.parquet --quiet
  # A shell of that root starts it, and it answers.
  answer=$(inside "$root" -- sh -c '"$0" generate -m /mnt/models/generator.gguf --prompt hello --limit 4 --temperature 0 --quiet | wc -c' "$cli")
  check "$root: an answer" "$([ "$answer" -gt 1 ] && echo some)" some
  inside "$root" --share-net --ro-bind "$work/trust" /mnt/trust --setenv SSL_CERT_FILE /mnt/trust/ca.pem \
    --setenv HF_ENDPOINT "$endpoint" --setenv XDG_CACHE_HOME /mnt/out/cache -- \
    "$cli" embed -m org/name -i /mnt/in/texts.txt -o fetched-1.parquet --quiet
  check "$root: the same vectors" "$(same "$work"/out/{built,lines-1,table-1,fetched-1}.parquet)" 'True True True'
  status=0
  inside "$root" --share-net --setenv HF_ENDPOINT "$endpoint" --setenv XDG_CACHE_HOME /mnt/out/cache2 -- \
    "$cli" embed -m org/name -i /mnt/in/texts.txt -o x-1.parquet --quiet 2>"$work/message" || status=$?
  check "$root: TLS without trust" "$status, $(grep -ci certificate "$work/message")" '6, 1'
  printf '%s: %s\n' "$root" "$(inside "$root" -- sh -c 'cat /etc/debian_version 2>/dev/null || echo no distribution') passed"
done

# CPUs from 2008 on, in an emulator (Debian's qemu-user): without AVX2 llama.cpp's own kernels serve.
if emulator=$(command -v qemu-x86_64); then
  for cpu in Nehalem SandyBridge Haswell; do
    old() { "$emulator" -cpu "$cpu" "$folder/lib/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$folder/lib" \
      --argv0 llama-cli "$folder/lib/llama-cli" "$@" 2>"$work/message"; }
    old embed -m "$models/bert.gguf" -i "$work/in/texts.txt" -o "$work/out/lines-2.parquet" --quiet
    old embed -m "$models/bert.gguf" --attach "$work/in/notes.db" --column text --where 'true' --force \
      --query 'select text from notes.notes order by id' -o "$work/out/table-2.parquet" --quiet
    check "$cpu: the same vectors" "$(near "$work"/out/{built,lines-2,table-2}.parquet)" 'True True'
    check "$cpu: kernels" "$(old --version | sed -n 's/^kernels: \([a-z]*\).*/\1/p')" \
      "$([ "$cpu" = Haswell ] && echo packed || echo stock)"
    rm "$work"/out/{lines,table}-2.parquet
    printf '%s: passed\n' "$cpu"
  done
else
  echo "bundle_roots: no qemu-x86_64 here (Debian: qemu-user); CPUs without AVX2 are left out" >&2
fi
echo "bundle_roots: $count checks passed"
