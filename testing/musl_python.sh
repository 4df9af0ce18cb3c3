#!/usr/bin/env bash
# Print a root file system that has musl and a Python for it, and nothing else: no shell, no other C library.
#
#   testing/musl_python.sh       made once: three minutes
#
# Debian has musl and no Python for it, so Debian 13's CPython is compiled with musl's own compiler driver, in a root of
# its own that goes afterwards. Without what CPython can do without: OpenSSL, ctypes, readline.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/llama-cli"
mkdir -p "$cache"
root="$cache/musl-python-$(sha256sum "$here/musl_python.sh" | cut -c1-16)"
exec 9>"$cache/musl-python.lock"
flock 9
if [ -d "$root" ]; then printf '%s\n' "$root"; exit 0; fi
work=$(mktemp -d "$cache/musl-python-work-XXXXXX")
trap 'rm -rf "$work"' EXIT

"$here/debian_root.sh" trixie "$work/root" musl-tools gcc libc6-dev make xz-utils python3-minimal apt ca-certificates
sed 's/^deb /deb-src /' "$work/root/etc/apt/sources.list" >"$work/root/etc/apt/sources.list.d/source.list"
mkdir -p "$work/root/source" "$work/made/lib" "$work/made/opt" "$work/made/tmp"
cat >"$work/root/source/make" <<'END'
set -e
cd /source
apt-get -qq -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root update
# Only what upstream has released: a mirror may lack the patches of Debian's newest revision.
for name in zlib python3.13; do
  apt-get -qq source --print-uris "$name" | sed -n "s/^'\([^']*orig\.tar\.[a-z]*\)' \([^ ]*\) .*SHA256:\(.*\)/\1 \2 \3/p" |
    while read -r address file digest; do
      /usr/lib/apt/apt-helper download-file "$address" "$file" "SHA256:$digest"
      tar xf "$file"
    done
done
# musl-gcc says that it compiles for glibc.
printf '#!/bin/sh\n[ "$1" != --print-multiarch ] || { echo x86_64-linux-musl; exit; }\nexec musl-gcc "$@"\n' >musl-cc
chmod +x musl-cc
export CC=/source/musl-cc
(cd zlib*/ && CFLAGS='-O2 -fPIC' ./configure --static --prefix=/source/zlib && make -j2 install)
cd Python-*/
./configure CPPFLAGS=-I/source/zlib/include LDFLAGS=-L/source/zlib/lib --prefix=/opt/python --disable-test-modules \
  --without-ensurepip --with-pkg-config=no
make -j2 install
END
binds=()
for file in /etc/resolv.conf /etc/hosts; do [ ! -e "$file" ] || binds+=(--ro-bind "$(realpath "$file")" "$file"); done
bwrap --bind "$work/root" / "${binds[@]}" --proc /proc --dev /dev --die-with-parent --clearenv \
  --setenv PATH /usr/sbin:/usr/bin:/sbin:/bin sh /source/make >"$work/log" 2>&1 9>&- </dev/null ||
  { printf 'musl_python: %s\n' "$(tail -n 1 "$work/log")" >&2; exit 1; }
cp -L "$work/root/lib/ld-musl-x86_64.so.1" "$work/made/lib/"
mv "$work/root/opt/python" "$work/made/opt/"
mv -T "$work/made" "$root"
printf '%s\n' "$root"
