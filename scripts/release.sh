#!/bin/bash
# Builds a release in out/release: executables, Debian package, images, manifests, NuGet packages, SBOM (SPDX), checksums.
# scripts/release.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/progress.sh
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
scripts/install-dependencies.sh release build build-arm64
progress "release: restore the locked packages"
# Restores exactly the locked packages.
for project in EgressRouterCni EgressRouterCtl EgressOperator; do dotnet restore src/$project --locked-mode -v quiet --nologo; done
progress
# OpenSSL for arm64 in its newest version.
rm -rf out/arm64/openssl
for arch in amd64 arm64; do ARCH=$arch scripts/build.sh; done
[[ $(out/egress-router --version) == "egress-router $version (commit "* ]] || refuse "the executable says that it is $(out/egress-router --version)"

rm -rf out/release
mkdir -p out/release
executables="egress-router egress-routerctl egress-operator"
for name in $executables; do
    cp "out/$name" "out/release/$name-$version-linux-amd64"
    cp "out/arm64/$name" "out/release/$name-$version-linux-arm64"
done
progress "release: list of contents"
scripts/sbom.sh $executables >"out/release/egress-router-cni-$version.spdx.json"
rm -f out/egress-router-cni_*.deb
progress "release: packages"
for arch in amd64 arm64; do ARCH=$arch scripts/package.sh; done
progress "release: images"
scripts/image.sh amd64 arm64
mv out/egress-router-cni_*.deb "out/egress-router-cni-$version.oci.tar" "out/egress-operator-$version.oci.tar" out/release/
progress "release: NuGet packages"
scripts/pack.sh "$version" out/release
progress "release: manifests and checksums"
# One manifest for a cluster: only the registry's name must be changed.
manifest() { # manifest NAME FILE...: with the image of NAME
    for file in "${@:2}"; do
        echo ---
        cat "packaging/$file"
    done | sed "s|image: $1$|image: registry.example.com/$1:$version|"
}
manifest egress-router-cni daemonset/daemonset.yaml >"out/release/daemonset-$version.yaml"
manifest egress-operator operator/{crds/egressips,crds/egressnodes,rbac,deployment,agent-rbac,agent}.yaml >"out/release/operator-$version.yaml"
cp packaging/manifests/router.yaml out/release/
cp packaging/THIRD-PARTY-NOTICES out/release/
(cd out/release && sha256sum -- * >SHA256SUMS)
progress
echo "out/release:"
cat out/release/SHA256SUMS
