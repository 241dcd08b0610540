#!/bin/sh
# Installs what building and testing need and this machine lacks. Calls apt-get only when something is
# missing, and only as root; otherwise says what is missing and fails.
# scripts/install-dependencies.sh [all|unit|system|vm]: what the tests in a virtual machine need is installed for "all" and
# "vm", but not asked for where it cannot be installed: those tests are skipped then.
set -eu

missing=""
need() { # need PACKAGE TEST...: the package is missing unless the test succeeds
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has() { command -v "$1" || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }
can_install() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; }
has_static_busybox() { busybox=$(command -v busybox) && ! ldd "$busybox"; }
has_static_libc() { [ -f "$(gcc -print-file-name=libc.a)" ]; }

need gcc has gcc
need libc6-dev has_static_libc
need jq has jq
case ${1:-all} in
build | unit) ;;
*)
need iproute2 has ip
need nftables has nft
need util-linux has nsenter
need socat has socat
need curl has curl
need strace has strace
need podman has podman
need crun has crun
need busybox-static has_static_busybox
need containernetworking-plugins test -x /usr/lib/cni/host-local
need dnsmasq-base has dnsmasq
need squid has squid
need haproxy has haproxy
;;
esac
case ${1:-all} in
all | vm)
    if can_install; then
        need qemu-system-x86 has qemu-system-x86_64
    fi
    ;;
esac
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')

if [ -n "${missing% }" ]; then
    if ! can_install; then
        echo "missing: $missing" >&2
        echo "install these packages first (Debian names; as root: apt-get install $missing)" >&2
        exit 1
    fi

    echo "installing: $missing"
    export DEBIAN_FRONTEND=noninteractive
    # What is installed is for the tests alone: no service of it is to be started on this machine.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
    fi
    apt-get update -qq </dev/null
    apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null
fi

if ! dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
    cat >&2 <<'MESSAGE'
missing: the .NET SDK 10. Debian has no package of it. Install it from https://dotnet.microsoft.com/download/dotnet/10.0
and put `dotnet` on PATH; with Microsoft's script: dotnet-install.sh --channel 10.0
MESSAGE
    exit 1
fi
