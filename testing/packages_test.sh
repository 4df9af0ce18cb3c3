#!/usr/bin/env bash
# The Debian package and the container image of a bundle, where they are to run:
#
#   testing/packages_test.sh [FOLDER]     default: it makes the bundle first
#
# Not part of script/test: it fetches the roots of two Debian releases, and packing takes minutes. Needs root; skopeo for
# the look at the image by something that is not ours, and buildah for the Containerfile: what the machine lacks of these
# two is left out.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
models="$top/build/release/test-models"
work=$(mktemp -d)
chmod 755 "$work"
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
count=0
check() { count=$((count + 1)); [ "$2" = "$3" ] || { echo "packages_test: $1: expected '$3', got '$2'" >&2; exit 1; }; }

folder=${1:-$("$top/script/bundle" --folder-only "$work/bundle" 2>/dev/null | tail -n 1)}
version=$(basename "$folder" | sed 's/llama-cli-\([0-9.]*\)-.*/\1/')

image=$("$top/script/image" --from "$folder" "$work/image")
check 'two images have the same bytes' "$(sha256sum <"$image")" "$(sha256sum <"$("$top/script/image" --from "$folder" "$work/again")")"
if command -v skopeo >/dev/null; then
  for kind in oci-archive docker-archive; do
    check "skopeo reads it as $kind" "$(skopeo inspect --format '{{.Architecture}} {{index .Labels "org.opencontainers.image.version"}}' \
      "$kind:$image")" "amd64 $version"
  done
fi
mkdir "$work/layout" "$work/root"
tar xf "$image" -C "$work/layout"
layer=$("$top/script/enter" python3 -c '
import json, pathlib, sys
layout = pathlib.Path(sys.argv[1])
blob = lambda entry: layout / "blobs/sha256" / entry["digest"][7:]
manifest = json.loads(blob(json.loads((layout / "index.json").read_text())["manifests"][0]).read_text())
print(blob(manifest["layers"][0]))' "$work/layout")
tar xzpf "$layer" -C "$work/root"
check 'whose home it is' "$(stat -c %u "$work/root/home/llama/.cache")" 65532
# By the user's own number: one that only a namespace gives to root could not write to the user's folders.
# /proc and /dev are made by what runs containers.
cp "$models/bert.gguf" "$work/root/model.gguf"
mkdir "$work/root/proc" "$work/root/dev"
echo 'hello world' | setpriv --reuid 65532 --regid 65532 --clear-groups \
  bwrap --bind "$work/root" / --proc /proc --dev /dev --unshare-all --uid 65532 --gid 65532 \
  --clearenv --setenv HOME /home/llama --setenv PATH /usr/bin --chdir /work \
  llama-cli embed -m /model.gguf -i - -o image.parquet --quiet
check 'the image embeds' "$(head -c 4 "$work/root/work/image.parquet")" PAR1
check 'as its user' "$(stat -c %u "$work/root/work/image.parquet")" 65532

# The folders of the Containerfile, which has no shell to change an owner with.
if command -v buildah >/dev/null; then
  mkdir "$work/context"
  cp "$folder/llama-cli" "$work/context"
  store() { buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }
  store bud --isolation chroot -f "$top/packaging/Containerfile" -t tried "$work/context" >"$work/buildah.log" 2>&1
  tree=$(store mount "$(store from localhost/tried)")
  check "the Containerfile's folders are the user's" "$(stat -c %u "$tree/home/llama/.cache" "$tree/work" | tr '\n' ' ')" '65532 65532 '
fi

package=$("$top/script/deb" --from "$folder" "$work")
check 'two packages have the same bytes' "$(sha256sum <"$package")" "$(sha256sum <"$("$top/script/deb" --from "$folder" "$work/again")")"
check 'it needs no other package' "$(dpkg-deb --field "$package" Depends)" ''
# A file that llama.cpp's package has too: dpkg would stop in the middle, unless the two are said to be in conflict.
contents=$(dpkg-deb --contents "$package" | awk '$1 !~ /^d/ { print substr($6, 2) }' | sort)
shared=$(comm -12 <(printf '%s\n' "$contents") <(sort "$("$top/script/root-fs" build)/var/lib/dpkg/info/llama.cpp-tools.list"))
check 'files that llama.cpp-tools has too' "${shared:+$(dpkg-deb --field "$package" Conflicts)}" "${shared:+llama.cpp-tools}"
for suite in bullseye bookworm; do
  "$top/testing/debian_root.sh" "$suite" "$work/$suite"
  inside() { bwrap --bind "$work/$suite" / --proc /proc --dev /dev --ro-bind "$models" /mnt --ro-bind "$package" /srv/package.deb \
    --tmpfs /tmp --unshare-all --clearenv --setenv PATH /usr/sbin:/usr/bin:/sbin:/bin --chdir /tmp "$@"; }
  touch "$work/$suite/srv/package.deb"
  inside dpkg --install /srv/package.deb >"$work/$suite.log" 2>&1
  check "$suite: its version" "$(inside llama-cli --version | grep -cF "$version")" 1
  check "$suite: embeds" "$(inside sh -c 'echo hello | llama-cli embed -m /mnt/bert.gguf -i - -o x.parquet --quiet && head -c 4 x.parquet')" PAR1
  check "$suite: whose files they are" "$(find "$work/$suite/usr/lib/llama-cli" ! -uid 0 | wc -l)" 0
  inside dpkg --purge llama-cli >"$work/$suite.log" 2>&1
  check "$suite: nothing stays" "$(find "$work/$suite" -xdev -name '*llama-cli*' -not -path '*/var/log/*' | wc -l)" 0
  printf '%s: installed, run and removed\n' "$suite"
done
echo "packages: $count checks passed"
