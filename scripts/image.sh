#!/bin/bash
# Builds the image that installs the plugin on a node: out/egress-router-cni-VERSION.oci.tar, an OCI image layout that podman and
# other engines load. It holds the two executables. The same executables give the same image, byte for byte.
set -eu
umask 022
cd "$(dirname "$0")/.."
version=$(out/egress-router --version | cut -d ' ' -f 2)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
layout=$work/layout
mkdir -p "$layout/blobs/sha256"

pack() { # pack TAR FOLDER NAME...: the same bytes each time
    tar --create --file "$1" --directory "$2" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$epoch" "${@:3}"
}
blob() { # blob FILE: moves it among the blobs, and prints its descriptor without the type
    sum=$(sha256sum "$1" | cut -d ' ' -f 1)
    size=$(wc -c <"$1")
    mv "$1" "$layout/blobs/sha256/$sum"
    printf '"digest":"sha256:%s","size":%d' "$sum" "$size"
}

install -m 0755 out/egress-router out/egress-routerctl "$work/"
pack "$work/layer.tar" "$work" egress-router egress-routerctl
content=$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)
gzip -9n "$work/layer.tar"
layer=$(blob "$work/layer.tar.gz")

created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
printf '{"created":"%s","architecture":"amd64","os":"linux","config":{"Entrypoint":["/egress-routerctl"],"Cmd":["install","--to","/host/opt/cni/bin","--stay"],"Labels":{"org.opencontainers.image.title":"egress-router-cni","org.opencontainers.image.version":"%s","org.opencontainers.image.licenses":"Apache-2.0"}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$created" "$version" "$content" >"$work/config"
config=$(blob "$work/config")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",%s}]}' \
    "$config" "$layer" >"$work/manifest"
manifest=$(blob "$work/manifest")
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"annotations":{"org.opencontainers.image.ref.name":"egress-router-cni:%s"}}]}' \
    "$manifest" "$version" >"$layout/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
pack "out/egress-router-cni-$version.oci.tar" "$layout" .
echo "out/egress-router-cni-$version.oci.tar: $(wc -c <"out/egress-router-cni-$version.oci.tar") bytes"
