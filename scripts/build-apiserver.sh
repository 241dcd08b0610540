#!/bin/bash
# Makes a folder with a Kubernetes API server for tests, unless it is there: scripts/build-apiserver.sh FOLDER
# kube-apiserver 1.20.2 is compiled from Debian's source package, which takes about ten minutes of CPU; etcd and kubectl are taken out
# of their packages. Nothing is installed, the compiler neither, and apt works in a folder of its own: no root is needed.
set -euo pipefail
umask 022
exec </dev/null

folder=$(realpath -m "${1:?FOLDER}")
[ ! -e "$folder/kube-apiserver" ] || exit 0

. /etc/os-release # VERSION_CODENAME
if [ "${VERSION_CODENAME:-}" != bookworm ]; then
    echo "build-apiserver: only Debian bookworm has the source package of this API server, and this is $PRETTY_NAME." >&2
    echo "Set KUBEBUILDER_ASSETS to a folder with kube-apiserver, etcd and kubectl." >&2
    exit 1
fi

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$work"/{lists/partial,cache/archives/partial,packages,root,home,new}

# This machine's package sources, with source packages.
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    grep -E '^\S+ bookworm(-updates|-security)? main$' | sort -u | sed 's/.*/deb &\ndeb-src &/' >"$work/sources.list" || {
    echo "build-apiserver: apt has no list of bookworm's packages: apt-get update" >&2
    exit 1
}
apart() { # apart LIMIT COMMAND...: an apt command that leaves the machine as it is
    timeout "$1" "$2" -qq -o APT::Sandbox::User=root -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" "${@:3}"
}
cd "$work/packages"
apart 300 apt-get update
apart 600 apt-get download golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev etcd-server kubernetes-client
apart 600 apt-get source --download-only kubernetes
for package in *.deb; do dpkg -x "$package" "$work/root"; done
# Debian's patches change kubectl only.
tar -xf kubernetes_*.orig.tar.gz --one-top-level="$work/source" --strip-components=1
cd "$work/source"

# Compiled by Go 1.18 or later, the source's own reflect2 1.0.1 crashes at the first custom resource.
reflect2=vendor/github.com/modern-go/reflect2
rm "$reflect2"/*.go
cp "$work/root/usr/share/gocode/src/github.com/modern-go/reflect2"/*.go "$reflect2/"
rm -f "$reflect2"/*_test.go

# Compiled by such a Go, it takes every "", 0 and false in a custom resource for null: reflect.Zero returns no new value any more.
sed -i 's/ || reflect\.DeepEqual(reflect\.Zero(reflect\.TypeOf(data)), reflect\.ValueOf(data)) {/ {/' \
    vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go vendor/github.com/go-openapi/validate/type.go

# Where the source's makefiles look for themselves.
mkdir -p .go/src/k8s.io
ln -s ../../.. .go/src/k8s.io/kubernetes
# The makefiles take no GOFLAGS of several words from the environment.
echo 'GOFLAGS=-mod=vendor -buildvcs=false' >"$work/goenv"
export HOME=$work/home GOROOT=$work/root/usr/lib/go-1.19 GOPATH=$PWD/.go GOCACHE=$work/gocache GOENV=$work/goenv
export GOFLAGS= GO111MODULE=auto GOPROXY=off CGO_ENABLED=0 PATH=$GOROOT/bin:$PATH
timeout 7200 make WHAT=cmd/kube-apiserver

# The folder is made last: whoever sees it finds it complete.
cp "$work/root/usr/bin/etcd" "$work/root/usr/bin/kubectl" "$work/new/"
find "$PWD/_output/local/bin" -type f -name kube-apiserver -exec cp {} "$work/new/" \;
[ -x "$work/new/kube-apiserver" ]
mv -T "$work/new" "$folder"
