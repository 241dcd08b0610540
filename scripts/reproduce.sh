#!/bin/bash
# Builds the last commit twice, in folders with different names, and compares the executables: scripts/reproduce.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for copy in first another-name; do
    git clone -q "$source" "$work/$copy"
    "$work/$copy/scripts/build.sh"
done
sha256sum "$work"/*/out/egress-router "$work"/*/out/egress-routerctl
for name in egress-router egress-routerctl; do
    cmp "$work/first/out/$name" "$work/another-name/out/$name"
done
echo "the same, byte for byte"
