#!/bin/bash
# Builds the image that installs the plugin on a node: out/egress-router-cni-VERSION.oci.tar, an OCI image layout that podman and
# other engines load: scripts/image.sh [ARCHITECTURE...], by default for amd64. It holds the two executables. The same executables
# give the same image, byte for byte.
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

created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
manifest_type=application/vnd.oci.image.manifest.v1+json
image_of() { # image_of ARCHITECTURE FOLDER: prints the descriptor of its manifest
    install -m 0755 "$2/egress-router" "$2/egress-routerctl" "$work/"
    pack "$work/layer.tar" "$work" egress-router egress-routerctl
    content=$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)
    gzip -9nf "$work/layer.tar"
    layer=$(blob "$work/layer.tar.gz")
    printf '{"created":"%s","architecture":"%s","os":"linux","config":{"Entrypoint":["/egress-routerctl"],"Cmd":["install","--to","/host/opt/cni/bin","--stay"],"Labels":{"org.opencontainers.image.title":"egress-router-cni","org.opencontainers.image.version":"%s","org.opencontainers.image.licenses":"Apache-2.0"}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$created" "$1" "$version" "$content" >"$work/config"
    config=$(blob "$work/config")
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",%s}]}' \
        "$manifest_type" "$config" "$layer" >"$work/manifest"
    printf '{"mediaType":"%s",%s,"platform":{"architecture":"%s","os":"linux"}}' "$manifest_type" "$(blob "$work/manifest")" "$1"
}

images=
for arch in "${@:-amd64}"; do
    folder=out
    [ "$arch" = amd64 ] || folder=out/$arch
    images="${images:+$images,}$(image_of "$arch" "$folder")"
done
index_type=application/vnd.oci.image.index.v1+json
printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' "$index_type" "$images" >"$work/index"
printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s",%s,"annotations":{"org.opencontainers.image.ref.name":"egress-router-cni:%s"}}]}' \
    "$index_type" "$(blob "$work/index")" "$version" >"$layout/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
pack "out/egress-router-cni-$version.oci.tar" "$layout" .
echo "out/egress-router-cni-$version.oci.tar: $(wc -c <"out/egress-router-cni-$version.oci.tar") bytes"
