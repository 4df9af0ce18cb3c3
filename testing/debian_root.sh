#!/usr/bin/env bash
# Make the plain root file system of a Debian release, its essential packages and what else is named:
#
#   testing/debian_root.sh SUITE FOLDER [PACKAGE…]
#
# The mirror is the machine's own, as in script/root-fs; it may serve release files past their date.
set -euo pipefail
suite=$1 folder=$2
shift 2
mirror=$(apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
  awk -F'|' '$1 == "Debian" && $2 == "main" { print $3; exit }')
log=$(mktemp)
trap 'rm -f "$log"' EXIT
mmdebstrap --quiet --variant=essential --components=main --aptopt='Acquire::Check-Valid-Until "false"' \
  --aptopt='APT::Install-Recommends "false"' ${1+--include="$(IFS=,; echo "$*")"} "$suite" "$folder" "$mirror" >"$log" 2>&1 ||
  { tail -n 3 "$log" >&2; exit 1; }
