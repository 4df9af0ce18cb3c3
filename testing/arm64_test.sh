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
# One that has all of our kernels' levels. Without SVE, whose emulation takes many times as long.
every_level=max,sve=off,sme=off

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

# passes PROGRAM [FILTER]: its tests on $QEMU_CPU, in the environment that llama_test() of cmake/llama_library.cmake gives
# them. What they say is in $log; where some fail, it is shown and noted.
failed=()
passes() {
  log="$work/$1-$QEMU_CPU.log"
  TEST_MODELS="$models" GGML_PACKED_PATH="$built/lib/llama-cli/libggml-packed.so" "$script/enter" --section arm64 bash -c '
    cd "$(dirname "$1")" && XDG_CACHE_HOME=$3 exec qemu-aarch64 -L "$ARM64_SYSROOT" "$1" --gtest_brief=1 --gtest_filter="$2"' - \
    "$built/${1%%-*}-$(cut -d- -f2 <<<"$1")/$1" "${2-*}" "$work/cache" >"$log" 2>&1 </dev/null || {
    failed+=("$1 on $QEMU_CPU")
    { grep -vE '^\[  (PASSED|SKIPPED)' "$log" | head -n 60 >&2; } || true
  }
  printf '%s, %s: %s\n' "$1" "$QEMU_CPU" "$(grep -E '^\[  (PASSED|FAILED)' "$log" | tr '\n' ' ')" >&2
}

# The tests of our kernels on a CPU of each level. On the lowest and on one that has them all everything is tested, with
# every level that it has; on those between the kernels. The emulator's Neoverse V1 has no bfloat16.
kernels() {
  local QEMU_CPU lacks log
  export QEMU_CPU
  while IFS=: read -r QEMU_CPU lacks; do
    case "$QEMU_CPU" in neoverse-*) passes ggml-packed-tests '*Kernels*:*SelfCheck*' ;; *) passes ggml-packed-tests ;; esac
    check "the levels that $QEMU_CPU lacks" "$(sed -n 's/^this CPU has no //p' "$log" | sort -u | xargs)" "$lacks"
  done <<END
cortex-a72:neon-bf16 neon-dotprod neon-i8mm
neoverse-n1:neon-bf16 neon-i8mm
neoverse-v1:neon-bf16
$every_level:
END
}

libraries() {
  local programs=(llama-base-tests llama-http-tests llama-core-tests llama-core-model-tests
    llama-core-device-tests llama-tokenizer-tests llama-loader-tests llama-embedding-tests llama-embedding-model-tests
    llama-table-tests llama-table-write-tests llama-corpus-text-tests llama-corpus-store-tests llama-corpus-model-tests
    llama-vectors-tests llama-agent-tests llama-cli-tests)
  local log program
  "$script/bootstrap" arm64 ggml-packed-tests "${programs[@]}"
  kernels
  # Whole models take minutes for each level in the emulator: one of ours is enough beside kernels(). McpTools start
  # a server of arm64's with an environment of its own, which does not tell the emulator where its libraries are.
  for program in "${programs[@]}"; do passes "$program" '-*PrefixSharing*/neon:McpTools.*'; done
  check 'the tests of our libraries' "${failed[*]+${failed[*]} failed}" ''
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
  # The real models beside llama.cpp's own kernels here, which round as those do. F16 with llama.cpp's kernels is left
  # out: the emulator computes its arithmetic in software, for minutes.
  local rows=(bert.gguf:auto bert.gguf:neon bert.gguf:neon-dotprod "bert.gguf:neon-i8mm:$every_level") row model kernels cpu at least
  if [ -n "${real_models-}" ]; then
    rows+=(all-MiniLM-L6-v2-F32.gguf:auto all-MiniLM-L6-v2-F32.gguf:neon all-MiniLM-L6-v2-Q8_0.gguf:auto
      all-MiniLM-L6-v2-Q8_0.gguf:neon-dotprod "all-MiniLM-L6-v2-Q8_0.gguf:neon-i8mm:$every_level"
      "all-MiniLM-L6-v2-F16.gguf:neon-bf16:$every_level")
  fi
  for row in "${rows[@]}"; do
    IFS=: read -r model kernels cpu <<<"$row"
    case "$model" in all-*) at=$at_real ;; *) at=$models ;; esac
    case "$model" in *-Q8_0.gguf) least=0.999 ;; *) least=0.9999 ;; esac
    "$script/llama-cli" embed -m "$at/$model" -i "$work/in/texts.txt" -o "$work/out/x86.parquet" --kernels stock --quiet
    case "$model" in all-*) at=/real ;; *) at=/models ;; esac
    QEMU_CPU=${cpu:-$QEMU_CPU} nothing embed -m "$at/$model" -i /in/texts.txt -o /out/arm64.parquet --kernels "$kernels" --quiet
    check "the vectors of $model, kernels $kernels" "$(cosine "$least" "$work"/out/{x86,arm64}.parquet)" same
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
