#!/bin/sh
# Builds the NuGet packages of the libraries that can be used alone: scripts/pack.sh VERSION FOLDER
set -eu
cd "$(dirname "$0")/.."
for project in Netlink Cni; do
    dotnet pack "src/$project" -c Release -o "$2" -p:PackageVersion="$1" ${VERSION:+-p:Version="$VERSION"} --nologo -v quiet
done
