#!/bin/sh
# Builds the Debian package out/egress-router-cni_VERSION_ARCH.deb of the two executables: ARCH=amd64 or arm64. Texts come from the
# executables for amd64.
# The same executables give the same package, byte for byte.
# Without debhelper: tried with 13.11, the files and their reproducibility are the same, but it takes more lines, in seven
# files instead of two, and 20 more Debian packages to install.
set -eu
cd "$(dirname "$0")/.."
version=$(out/egress-router --version | cut -d ' ' -f 2)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%d)
arch=${ARCH:-amd64}
executables=out
[ "$arch" = amd64 ] || executables=out/$arch
root=out/package
# A pre-release sorts before its release: 1.0.0~rc.1.
debian=$(echo "$version" | sed 's/-/~/')
rm -rf "$root"
umask 022
doc=$root/usr/share/doc/egress-router-cni
mkdir -p "$root/DEBIAN" "$doc" "$root/usr/share/man/man8"

install -D -m 0755 "$executables/egress-router" "$root/opt/cni/bin/egress-router"
mkdir -p "$root/usr/sbin"
install -m 0755 "$executables/egress-routerctl" "$root/usr/sbin/egress-routerctl"
mkdir -p "$root/usr/share/bash-completion/completions"
out/egress-routerctl completion >"$root/usr/share/bash-completion/completions/egress-routerctl"
out/egress-routerctl manual >out/commands.roff
for page in egress-router egress-routerctl; do
    sed -e "s/@VERSION@/$version/; s/@DATE@/$date/" -e '/^@COMMANDS@$/{r out/commands.roff' -e 'd}' "packaging/$page.8" | gzip -9n >"$root/usr/share/man/man8/$page.8.gz"
done
rm out/commands.roff
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
cp packaging/debian/copyright "$doc/copyright"
cp packaging/THIRD-PARTY-NOTICES "$doc/"
scripts/sbom.sh egress-router egress-routerctl >"$doc/egress-router-cni.spdx.json"
cp -r cni-conf-examples "$doc/examples"
find "$doc" -type f -exec chmod 0644 {} +

size=$(du -sk --apparent-size "$root" | cut -f 1)
sed -e "s/@VERSION@/$debian/" -e "s/@SIZE@/$size/" -e "s/@ARCH@/$arch/" packaging/debian/control >"$root/DEBIAN/control"
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | LC_ALL=C sort | xargs md5sum) >"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group --build "$root" "out/egress-router-cni_${debian}_$arch.deb" >/dev/null
rm -rf "$root"
echo "out/egress-router-cni_${debian}_$arch.deb: $(wc -c <"out/egress-router-cni_${debian}_$arch.deb") bytes"
