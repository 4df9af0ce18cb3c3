#!/usr/bin/env bash
# arm64 on an x86-64 machine: the tests of our libraries and the bundle, run by the emulator qemu-user.
#
#   testing/arm64_test.sh [libraries|bundle]     default: both
#
# No part of script/test: it compiles everything once more and downloads some 400 MB the first time (doc/install.md).
# Needs the program that is built for x86-64 and its synthetic models (script/bootstrap, ctest -R make_models): arm64's
# vectors are compared with that one's. No speed is measured: an emulator has none.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
script="$top/script"
built="$top/build/arm64"
models="$top/build/release/test-models"
real="${XDG_CACHE_HOME:-$HOME/.cache}/llama-cli/models-1/minilm"
what=${1:-both}
case "$what" in libraries | bundle | both) ;; *) echo "usage: testing/arm64_test.sh [libraries|bundle]" >&2; exit 2 ;; esac
[ "$(uname -m)" = x86_64 ] || { echo "arm64_test: is for x86-64 machines; on arm64 script/test is the test" >&2; exit 1; }
[ -e "$models/bert.gguf" ] || { echo "arm64_test: no $models/bert.gguf: build for this machine first, and run ctest -R make_models" >&2; exit 1; }
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
count=0
check() { count=$((count + 1)); [ "$2" = "$3" ] || { echo "arm64_test: $1: expected '$3', got '$2'" >&2; exit 1; }; }

# A CPU that exists (packaging/bundle.py has the same).
export QEMU_CPU=neoverse-n1

# emulated COMMAND…: a namespace whose kernel starts arm64's programs, too, each with the emulator. Nothing outside of it
# changes. Source: the kernel's binfmt-misc.rst; one for each user namespace since Linux 6.7.
emulator="$("$script/root-fs" arm64)/usr/bin/qemu-aarch64"
emulated() {
  unshare --user --map-root-user --mount bash -c '
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || { echo "arm64_test: needs Linux 6.7 with binfmt_misc" >&2; exit 1; }
    header="\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    mask="\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
    echo ":llama-arm64:M::$header:$mask:$0:FP" >/proc/sys/fs/binfmt_misc/register
    exec "$@"' "$emulator" "$@"
}

libraries() {
  local programs=(ggml-packed-tests llama-base-tests llama-http-tests llama-core-tests llama-core-model-tests
    llama-core-device-tests llama-tokenizer-tests llama-loader-tests llama-embedding-tests llama-embedding-model-tests
    llama-table-tests llama-table-write-tests llama-corpus-text-tests llama-corpus-store-tests llama-corpus-model-tests
    llama-vectors-tests llama-agent-tests llama-cli-tests)
  "$script/bootstrap" arm64 "${programs[@]}"
  local failed=() program
  for program in "${programs[@]}"; do
    # Of CPUs with arithmetic of 16 bits ggml's attention, which ours is compared with, is further off than our tests allow.
    case "$program" in ggml-packed*) QEMU_CPU=cortex-a72 ;; *) QEMU_CPU=neoverse-n1 ;; esac
    # As llama_test() of cmake/llama_library.cmake has them.
    TEST_MODELS="$models" XDG_CACHE_HOME="$work/cache" GGML_PACKED_PATH="$built/lib/llama-cli/libggml-packed.so" \
      "$script/enter" --section arm64 bash -c 'cd "$(dirname "$1")" && exec qemu-aarch64 -L "$ARM64_SYSROOT" "$1" --gtest_brief=1' - \
      "$built/${program%%-*}-$(cut -d- -f2 <<<"$program")/$program" >"$work/$program.log" 2>&1 || failed+=("$program")
    printf '%s: %s\n' "$program" "$(grep -E '^\[  (PASSED|FAILED)' "$work/$program.log" | tr '\n' ' ')" >&2
  done
  if [ ${#failed[@]} -gt 0 ]; then
    for program in "${failed[@]}"; do grep -vE '^\[  (PASSED|SKIPPED)' "$work/$program.log" | head -n 60; done >&2
    check 'the tests of our libraries' "${failed[*]} failed" ''
  fi
}

# cosine LEAST FILE FILE: "same" where the rows of the same text have that cosine or more.
cosine() { "$script/enter" python3 -c '
import sys, numpy, pyarrow.parquet
a, b = (pyarrow.parquet.read_table(path, columns=["text", "embedding"]) for path in sys.argv[2:])
assert a["text"] == b["text"] and len(a) > 0
a, b = (numpy.array(table["embedding"].to_pylist(), dtype="f8") for table in (a, b))
least = ((a * b).sum(1) / numpy.linalg.norm(a, axis=1) / numpy.linalg.norm(b, axis=1)).min()
print("same" if least >= float(sys.argv[1]) else f"{least:.6f}")
print(f"       the least cosine: {least:.6f}", file=sys.stderr)' "$@"; }

bundle() {
  local folder again
  folder=$("$script/bundle" --folder-only aarch64 "$work/one" 2>/dev/null)
  again=$("$script/bundle" --folder-only aarch64 "$work/two" 2>/dev/null)
  check 'two runs make the same bytes' "$(diff -r "$folder" "$again")" ''
  check 'everything is for arm64' "$("$script/enter" --section arm64 bash -c '
    for file in "$0"/llama-cli "$0"/lib/*; do aarch64-linux-gnu-readelf -h "$file" | sed -n "s/ *Machine: *//p"; done | sort -u' "$folder")" AArch64
  check 'a licence of every library' "$(ls "$folder"/licences/*.txt | wc -l)" \
    "$("$script/enter" python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["packages"]))' "$folder/sbom.spdx.json")"
  mkdir -p "$work/in" "$work/out" "$work/real"
  seq -f 'Text number %.0f: Grüße, 你好, مرحبا.' 6 >"$work/in/texts.txt"
  local at_real="$work/real"
  if [ -d "$real" ]; then at_real=$real; real_models=yes; fi

  # A root that has nothing but the bundle.
  nothing() {
    emulated bwrap --ro-bind "$folder" '/ünï code' --ro-bind "$models" /models --ro-bind "$at_real" /real \
      --ro-bind "$work/in" /in --bind "$work/out" /out --proc /proc --dev /dev --unshare-all --clearenv \
      --setenv QEMU_CPU "$QEMU_CPU" --die-with-parent --chdir /out '/ünï code/llama-cli' "$@"
  }
  # llama.cpp's kernels: ours were never measured on arm64.
  check 'kernels' "$(nothing --version | sed -n 's/^kernels: \(stock (.*not measured\).*/\1/p' | cut -c1-7)" 'stock ('
  # Activations of 8 bits are rounded in another way on each CPU: MiniLM's Q8_0 is 0.99987 apart with llama.cpp's own
  # kernels on both sides, and the limit is ten times that.
  # The real models beside llama.cpp's own kernels here, which round as those do. F16 is left out: the emulator computes
  # its arithmetic in software, for minutes.
  local row model kernels at least
  for row in "$models/bert.gguf auto" "$models/bert.gguf other" \
    ${real_models+"$real/all-MiniLM-L6-v2-F32.gguf auto" "$real/all-MiniLM-L6-v2-F32.gguf other" "$real/all-MiniLM-L6-v2-Q8_0.gguf auto"}; do
    model=${row% *} kernels=${row##* }
    case "$model" in "$models"/*) at=/models ;; *) at=/real ;; esac
    case "$model" in *-Q8_0.gguf) least=0.999 ;; *) least=0.9999 ;; esac
    "$script/llama-cli" embed -m "$model" -i "$work/in/texts.txt" -o "$work/out/x86.parquet" --kernels stock --quiet
    nothing embed -m "$at/$(basename "$model")" -i /in/texts.txt -o /out/arm64.parquet --kernels "$kernels" --quiet
    check "the vectors of $(basename "$model"), kernels $kernels" "$(cosine "$least" "$work"/out/{x86,arm64}.parquet)" same
    rm "$work"/out/*.parquet
  done
  [ -n "${real_models-}" ] || echo "arm64_test: no MiniLM (script/models): synthetic models alone" >&2
  check 'an answer' "$(nothing generate -m /models/generator.gguf --prompt hello --limit 4 --temperature 0 --quiet | wc -c | sed 's/^[1-9].*/some/')" some
  local status=0
  nothing embed -m /models/none.gguf -i /in/texts.txt -o /out/x.parquet 2>/dev/null || status=$?
  check 'exit status' "$status" 4
}

[ "$what" = bundle ] || libraries
[ "$what" = libraries ] || bundle
echo "arm64: $count checks passed"
