#!/bin/sh
# Installs the missing dependencies of make targets: scripts/install-dependencies.sh TARGET...
# Calls apt-get only if something is missing, and only as root; otherwise lists all missing dependencies, and fails.
set -eu

# The Debian packages that a target needs; "dotnet" is the SDK, which Debian does not package. Not listed, because assumed:
# git, make, and Debian's essential packages.
sdk="ca-certificates dotnet"
native="$sdk cmake gcc libc6-dev libssl-dev libzstd-dev zlib1g-dev"
lab="iproute2 nftables socat util-linux"
http_proxy="curl dnsmasq-base squid"
dns_proxy="dnsmasq-base haproxy"
clients="containernetworking-plugins crun podman"
packages_of() {
    case $1 in
    build) echo "$native" ;;
    build-arm64) echo "$native dpkg gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;;
    format | format-check | fuzz | pack) echo "$sdk" ;;
    test-unit) echo "$sdk chromium kubernetes-client" ;;
    demo-redirect) echo "$lab" ;;
    demo-http-proxy) echo "$lab $http_proxy" ;;
    demo-dns-proxy) echo "$lab $dns_proxy" ;;
    demo-egress-ip) echo "$sdk $lab" ;;
    demo-operator | demo-pair) echo "$sdk $lab kubernetes-client" && if [ -x out/apiserver/kube-apiserver ]; then echo openssl; fi ;;
    package | release) echo "dpkg jq" ;;
    bench) echo "$native $lab containernetworking-plugins strace valgrind" ;;
    test-system | test-faults)
        echo "$native $lab $http_proxy $dns_proxy $clients busybox-static dpkg jq keepalived procps prometheus strace"
        ;;
    test-vm-arm64) echo "$(packages_of build-arm64) busybox-static dpkg qemu-system-arm qemu-user-static" ;;
    test-vm) echo "$native busybox-static dpkg iproute2 nftables qemu-system-x86" ;;
    # If nothing can be installed, the tests that need qemu are skipped.
    test) packages_of test-unit && packages_of test-system && if can_install; then packages_of test-vm; fi ;;
    ci) packages_of test && if can_install; then packages_of test-bare; fi ;;
    test-apiserver) echo "$native $lab" && { [ -n "${KUBEBUILDER_ASSETS:-}" ] || echo "dpkg rsync"; } ;;
    test-bare) echo "debootstrap dotnet util-linux" ;;
    *) echo "install-dependencies: there is no target $1" >&2 && return 2 ;;
    esac
}

# is_there PACKAGE: whether the package's program or file exists, from any source.
is_there() {
    case $1 in
    busybox-static) busybox=$(command -v busybox) && ! ldd "$busybox" ;;
    ca-certificates) ls /etc/ssl/certs/ca-*.crt ;;
    containernetworking-plugins) [ -x /usr/lib/cni/host-local ] ;;
    dnsmasq-base) has dnsmasq ;;
    gcc-aarch64-linux-gnu) has aarch64-linux-gnu-gcc ;;
    libc6-dev-arm64-cross) [ -f "$(aarch64-linux-gnu-gcc -print-file-name=libc.a)" ] ;;
    qemu-system-arm) has qemu-system-aarch64 ;;
    qemu-user-static) has qemu-aarch64-static ;;
    dotnet) dotnet --list-sdks | grep '^10\.' ;;
    dpkg) has dpkg-deb ;;
    iproute2) has ip && has ss ;;
    libc6-dev) [ -f "$(gcc -print-file-name=libc.a)" ] ;;
    kubernetes-client) has kubectl || [ -x out/apiserver/kubectl ] ;;
    libssl-dev) [ -f "$(gcc -print-file-name=libssl.a)" ] ;;
    libzstd-dev) is_no_part_of_openssl -lzstd || [ -f "$(gcc -print-file-name=libzstd.a)" ] ;;
    nftables) has nft ;;
    procps) [ -x /bin/kill ] ;; # "command -v" finds the shell's own
    prometheus) has prometheus && has promtool ;;
    qemu-system-x86) has qemu-system-x86_64 ;;
    util-linux) has nsenter && has setpriv && has unshare ;;
    zlib1g-dev) is_no_part_of_openssl -lz || [ -f "$(gcc -print-file-name=libz.a)" ] ;;
    *) has "$1" ;;
    esac
}
# Debian's static OpenSSL needs other libraries since Debian 13.
is_no_part_of_openssl() {
    needs=$(gcc -print-file-name=pkgconfig/libcrypto.pc)
    [ -f "$needs" ] && ! grep -q -w -e "$1" "$needs"
}
has() { command -v "$1" || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }
can_install() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; }

needed=$(for target; do packages_of "$target"; done)
missing="" lacks_sdk=""
for package in $(printf '%s\n' $needed | sort -u); do
    if is_there "$package" >/dev/null 2>&1; then
        continue
    elif [ "$package" = dotnet ]; then
        lacks_sdk=yes
    else
        missing="$missing $package"
    fi
done

if [ -n "$missing" ] && ! can_install; then
    echo "missing:$missing" >&2
    echo "install these packages first (Debian names; as root: apt-get install$missing)" >&2
fi
if [ -n "$lacks_sdk" ]; then
    cat >&2 <<'MESSAGE'
missing: the .NET SDK 10. Debian has no package of it. Install it from https://dotnet.microsoft.com/download/dotnet/10.0
and put `dotnet` on PATH; with Microsoft's script: dotnet-install.sh --channel 10.0
MESSAGE
    exit 1
fi
[ -n "$missing" ] || exit 0
can_install || exit 1

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# Installed services must not start on this machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
fi
apt-get update -qq </dev/null
apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null
