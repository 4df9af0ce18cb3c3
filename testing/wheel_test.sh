#!/usr/bin/env bash
# The wheel in new virtual environments, installed without a network: of this machine's Python, of the private root file
# system's, of Debian 13's, with the oldest numpy and pyarrow that it asks for and with the newest, and of one with musl. Not
# part of script/test: three minutes, once six with 550 MB to fetch. Needs what script/bundle needs, and the synthetic models
# (script/test makes them).
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
models=${TEST_MODELS:-$top/build/release/test-models}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
check() { count=$((count + 1)); [ "$2" = "$3" ] || { echo "wheel_test: $1: expected '$3', got '$2'" >&2; exit 1; }; }
unset PYTHONPATH LLAMA_CLI PIP_FIND_LINKS

house=$("$top/script/wheelhouse")
wheel=$("$top/script/wheel" "$work/one" 2>/dev/null)
again=$("$top/script/wheel" "$work/two" 2>/dev/null)
check 'two runs make the same bytes' "$(cmp "$wheel" "$again" && echo same)" same
check 'the name' "$(basename "$wheel" | sed 's/-[0-9.]*-/-VERSION-/')" \
  "llama_cli-VERSION-py3-none-manylinux_2_17_$(uname -m).musllinux_1_1_$(uname -m).whl"
check 'under 100 MB' "$(("$(stat -c %s "$wheel")" < 100000000))" 1
mkdir "$work/unpacked"
"$top/script/enter" python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])' "$wheel" "$work/unpacked"
information=$(echo "$work"/unpacked/*.dist-info)
check 'the bill of materials' "$(ls "$information/sboms")" llama-cli.spdx.json
check 'a licence of each package in it' "$(ls "$information"/licenses/*.txt | wc -l)" \
  "$("$top/script/enter" python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["packages"]))' "$information/sboms/llama-cli.spdx.json")"
check 'every licence that METADATA names' "$(sed -n 's/^License-File: //p' "$information/METADATA" |
  while read -r file; do [ -s "$information/licenses/$file" ] || echo "$file"; done)" ''

# The texts, and their vectors from the built program.
"$top/script/enter" python3 - "$work" <<'END'
import json, sys
texts = [f"text number {i}" for i in range(3000)] + ["Ünï code — 漢字", " led", "[CLS]", "x\0y"]
open(f"{sys.argv[1]}/texts.json", "w").write(json.dumps(texts))
open(f"{sys.argv[1]}/texts.jsonl", "w").writelines(json.dumps({"text": text}) + "\n" for text in texts)
END
wanted() { # MODEL NAME
  "$top/script/llama-cli" embed -m "$1" -i "$work/texts.jsonl" -o "$work/$2.parquet" --quiet
  "$top/script/enter" python3 -c 'import sys, numpy, pyarrow.parquet
numpy.save(sys.argv[2], numpy.stack(pyarrow.parquet.read_table(sys.argv[1])["embedding"].to_numpy()))' "$work/$2.parquet" "$work/$2.npy"
}
wanted "$models/bert.gguf" bert
real="${XDG_CACHE_HOME:-$HOME/.cache}/llama-cli/models-1/minilm/all-MiniLM-L6-v2-F16.gguf"
if [ -e "$real" ]; then wanted "$real" minilm; fi

# try PYTHON HOUSE COMMAND…: COMMAND starts PYTHON where it lives
try() {
  local python=$1 name=$2
  shift 2
  "$@" "$python" -m venv --without-pip "$work/$name"
  "$@" "$work/$name/bin/python" "$(echo "$house"/pip/pip-*.whl)/pip" install --quiet --no-index --find-links "$house/$name" \
    --root-user-action=ignore "$wheel" --disable-pip-version-check
  check "$name: nothing else is installed" "$("$@" "$work/$name/bin/python" "$(echo "$house"/pip/pip-*.whl)/pip" list --format freeze \
    --disable-pip-version-check | cut -d= -f1 | paste -sd' ')" 'llama-cli numpy pyarrow'
  "$@" "$work/$name/bin/python" "$top/testing/wheel_check.py" "$models/bert.gguf" "$work/texts.json" "$work/bert.npy"
  if [ -e "$work/minilm.npy" ]; then
    "$@" "$work/$name/bin/python" "$top/testing/wheel_check.py" "$real" "$work/texts.json" "$work/minilm.npy"
  fi
  count=$((count + 1))
  rm -rf "${work:?}/$name"
}
here=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
root=$("$top/script/enter" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for age in oldest newest; do
  [ ! -d "$house/$here-$age" ] || try python3 "$here-$age"
  [ "$root" = "$here" ] || [ ! -d "$house/$root-$age" ] || try python3 "$root-$age" "$top/script/enter"
done

# inside ROOT COMMAND…: what the test names is there as well, and no network
inside() {
  local root=$1 binds=()
  shift
  for path in "$work" "$house" "$top" "${XDG_CACHE_HOME:-$HOME/.cache}/llama-cli"; do binds+=(--bind "$path" "$path"); done
  bwrap --bind "$root" / "${binds[@]}" --proc /proc --dev /dev --unshare-all --setenv PATH /usr/bin:/bin --die-with-parent "$@"
}
trixie=$work/trixie
if "$top/testing/debian_root.sh" trixie "$trixie" python3 libstdc++6; then  # the second is numpy's
  for age in oldest newest; do try python3 "3.13-$age" inside "$trixie"; done
else
  echo "wheel_test: no root of trixie here; its Python is left out" >&2
fi
if musl=$("$top/testing/musl_python.sh"); then
  try /opt/python/bin/python3 3.13-musl inside "$musl"
else
  echo 'wheel_test: no Python with musl here; it is left out' >&2
fi
echo "wheel: $count checks passed"
