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
for name in egress-router egress-routerctl egress-operator; do
    sha256sum "$work"/*/out/$name
    cmp "$work/first/out/$name" "$work/another-name/out/$name"
done
echo "the same, byte for byte"
