#!/bin/bash
# Builds a release in out/release: executables, Debian package, image, NuGet packages, SBOM (SPDX), checksums.
# scripts/release.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-}

refuse() {
    echo "release: $*" >&2
    exit 1
}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || refuse "\"$version\" is no version: make release VERSION=1.2.3"
grep -q -F "## [$version]" CHANGELOG.md || refuse "CHANGELOG.md has no section \"## [$version]\": say there what changes for users"
[ -z "$(git status --porcelain)" ] || refuse "there are changes that are not committed: a release is of a commit"

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH VERSION=$version
scripts/install-dependencies.sh release build
# Restores exactly the locked packages.
dotnet restore src/EgressRouterCni --locked-mode -v quiet --nologo
dotnet restore src/EgressRouterCtl --locked-mode -v quiet --nologo
scripts/build.sh
[[ $(out/egress-router --version) == "egress-router $version (commit "* ]] || refuse "the executable says that it is $(out/egress-router --version)"

rm -rf out/release
mkdir -p out/release
cp out/egress-router "out/release/egress-router-$version-linux-amd64"
cp out/egress-routerctl "out/release/egress-routerctl-$version-linux-amd64"
scripts/sbom.sh >"out/release/egress-router-cni-$version.spdx.json"
rm -f out/egress-router-cni_*_amd64.deb
scripts/package.sh
scripts/image.sh
mv out/egress-router-cni_*_amd64.deb "out/egress-router-cni-$version.oci.tar" out/release/
scripts/pack.sh "$version" out/release
# One manifest for a cluster: only the registry's name must be changed.
sed "s|image: egress-router-cni$|image: registry.example.com/egress-router-cni:$version|" packaging/daemonset/daemonset.yaml >"out/release/daemonset-$version.yaml"
cp packaging/manifests/router.yaml out/release/
cp packaging/THIRD-PARTY-NOTICES out/release/
(cd out/release && sha256sum -- * >SHA256SUMS)
echo "out/release:"
cat out/release/SHA256SUMS
