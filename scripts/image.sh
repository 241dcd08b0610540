#!/bin/bash
# Builds two images, OCI image layouts that podman and other engines load: scripts/image.sh [ARCHITECTURE...], by default for amd64.
#   out/egress-router-cni-VERSION.oci.tar  the plugin and its tools: installs them on a node
#   out/egress-operator-VERSION.oci.tar    egress-operator: runs as a Deployment
# The same executables give the same images, byte for byte.
set -eu
umask 022
cd "$(dirname "$0")/.."
version=$(out/egress-router --version | cut -d ' ' -f 2)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
oci=application/vnd.oci.image label=org.opencontainers.image
architectures=("${@:-amd64}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pack() { # pack TAR FOLDER NAME...: the same bytes each time
    tar --create --file "$1" --directory "$2" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$epoch" "${@:3}"
}
blob() { # blob FILE: moves it among the blobs, and prints its descriptor without the type
    sum=$(sha256sum "$1" | cut -d ' ' -f 1)
    size=$(wc -c <"$1")
    mv "$1" "$layout/blobs/sha256/$sum"
    printf '"digest":"sha256:%s","size":%d' "$sum" "$size"
}

image_of() { # image_of ARCHITECTURE NAME CONFIG EXECUTABLE...: prints the descriptor of its manifest
    local arch=$1 name=$2 settings=$3 folder=out
    shift 3
    [ "$arch" = amd64 ] || folder=out/$arch
    install -m 0755 -t "$work" "${@/#/$folder/}"
    pack "$work/layer.tar" "$work" "$@"
    content=$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)
    gzip -9nf "$work/layer.tar"
    layer=$(blob "$work/layer.tar.gz")
    labels=$(printf '"%s":"%s",' $label.title "$name" $label.version "$version" $label.licenses Apache-2.0)
    printf '{"created":"%s","architecture":"%s","os":"linux","config":{%s,"Labels":{%s}},' \
        "$created" "$arch" "$settings" "${labels%,}" >"$work/config"
    printf '"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$content" >>"$work/config"
    config=$(blob "$work/config")
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[{"mediaType":"%s",%s}]}' \
        $oci.manifest.v1+json $oci.config.v1+json "$config" $oci.layer.v1.tar+gzip "$layer" >"$work/manifest"
    printf '{"mediaType":"%s",%s,"platform":{"architecture":"%s","os":"linux"}}' \
        $oci.manifest.v1+json "$(blob "$work/manifest")" "$arch"
}

make_image() { # make_image NAME CONFIG EXECUTABLE...
    local name=$1 images= arch file=out/$1-$version.oci.tar
    layout=$work/$name.layout
    mkdir -p "$layout/blobs/sha256"
    for arch in "${architectures[@]}"; do
        images="${images:+$images,}$(image_of "$arch" "$@")"
    done
    printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' $oci.index.v1+json "$images" >"$work/index"
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s",%s,"annotations":{"org.opencontainers.image.ref.name":"%s:%s"}}]}' \
        $oci.index.v1+json "$(blob "$work/index")" "$name" "$version" >"$layout/index.json"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    pack "$file" "$layout" .
    echo "$file: $(wc -c <"$file") bytes"
}

make_image egress-router-cni \
    '"Entrypoint":["/egress-routerctl"],"Cmd":["install","--to","/host/opt/cni/bin","--stay"]' egress-router egress-routerctl
# Without /etc/passwd, .NET does no TLS unless HOME is set.
make_image egress-operator '"User":"65534:65534","Env":["HOME=/"],"Entrypoint":["/egress-operator"],"Cmd":["controller"]' egress-operator
