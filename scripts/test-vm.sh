#!/bin/bash
# Runs the tests that need another kernel than this machine's: scripts/test-vm.sh [GUEST SCRIPT]
# Boots Debian's cloud kernel (ipvlan, dummy, 8021q, SCTP; and an older rtnetlink) in qemu, with an initramfs of busybox,
# iproute2, nftables and the executables of out, and runs tests/vm/scenarios.sh there. Needs no root once the packages are installed.
# The last line is "N passed, N failed". A guest that hangs, panics or does not finish counts as a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

scenarios=${1:-tests/vm/scenarios.sh}
arch=${ARCH:-amd64}
# What differs between the two: the emulator, the compiler, and where the executables are.
case $arch in
    amd64) cache=out/vm executables=out console_device=ttyS0 compiler=gcc machine_options="qemu-system-x86_64" ;;
    arm64)
        cache=out/vm-arm64 executables=out/arm64 console_device=ttyAMA0 compiler=aarch64-linux-gnu-gcc
        machine_options="qemu-system-aarch64 -machine virt -cpu max,pauth-impdef=on"
        ;;
    *) echo "test-vm: ARCH must be amd64 or arm64, not $arch" >&2 && exit 2 ;;
esac
root=$cache/root
console=$cache/console.log
# Ends a guest that hangs; generous, for a busy machine.
limit=${VM_TIME_LIMIT:-480}
export PATH="$PATH:/usr/sbin:/sbin"

machine=
at_exit() {
    local status=$?
    # The virtual machine must also end if this script is stopped.
    [ -n "$machine" ] && kill "$machine" 2>/dev/null && return
    if [ -z "$machine" ]; then
        cat "$cache/log"
        echo "FAILED: the machine could not be prepared (exit code $status)"
        echo "0 passed, 1 failed"
    fi
}

# of_arch APT-COMMAND...: with lists of the architecture's own, so that the machine's configuration stays as it is.
of_arch() {
    local command=$1 folder=$PWD
    shift
    [ "$arch" = arm64 ] || { "$command" "$@" && return; }
    while [ ! -d "$folder/$cache" ]; do folder=$(dirname "$folder"); done
    folder=$folder/$cache/apt
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    "$command" -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" -o Dir::State::status=/dev/null \
        -o APT::Architecture=arm64 -o APT::Architectures=arm64 "$@"
}

# Resolves the metapackage to its versioned dependency.
download_kernel() {
    local package
    package=$(of_arch apt-cache depends "linux-image-cloud-$arch" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p')
    (cd "$cache/package" && of_arch apt-get download -qq "${package:-linux-image-cloud-$arch}")
}

# Unpacks the kernel's package without installing it, and keeps it for the next run.
fetch_kernel() {
    [ ! -e "$cache/kernel/done" ] || return 0
    rm -rf "$cache/kernel" "$cache/package"
    mkdir -p "$cache/kernel" "$cache/package"
    # apt's package lists may be outdated.
    download_kernel || { [ "$(id -u)" -eq 0 ] && of_arch apt-get update -qq && download_kernel; }
    dpkg -x "$cache"/package/*.deb "$cache/kernel"
    busybox depmod -b "$cache/kernel" "$(ls "$cache/kernel/lib/modules")"
    [ "$arch" = amd64 ] || fetch_programs
    rm -rf "$cache/package"
    touch "$cache/kernel/done"
}

# busybox, ip and nft of the other architecture, with the libraries that they need.
fetch_programs() {
    rm -f "$cache"/package/*.deb
    (
        cd "$cache/package"
        libraries=$(of_arch apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
            iproute2 nftables | grep -E '^z?lib' | sort -u)
        of_arch apt-get download -qq busybox-static iproute2 nftables $libraries
    )
    for package in "$cache"/package/*.deb; do dpkg -x "$package" "$cache/kernel/programs"; done
}

with_libraries() { # with_libraries PROGRAM...: copies programs and the libraries that they need
    local library
    cp "$@" "$root/usr/sbin/"
    for library in $(ldd "$@" | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
        install -D "$library" "$root$library"
    done
}

copy_modules() {
    local folder=$cache/kernel/lib/modules/$version
    # Each module with its dependencies; "busybox modprobe" loads them when the kernel requests them.
    grep -E '^[^:]*kernel/(net/netfilter/(nf_|nft_|nfnetlink)|net/ipv[46]/netfilter/nf|net/sctp/sctp\.|net/8021q/|drivers/net/(dummy|veth|macvlan|ipvlan/))' "$folder/modules.dep" |
        tr -d ':' | tr ' ' '\n' | sort -u | (cd "$folder" && xargs cp --parents -t "$OLDPWD/$root/lib/modules/$version")
    busybox depmod -b "$root" "$version"
}

compile() { # compile PROGRAM SOURCE
    $compiler -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -s -o "$root/bin/$1" "$2"
}

make_initramfs() {
    rm -rf "$root"
    mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,proc,sys,dev,run,tmp,tests,"lib/modules/$version"}
    if [ "$arch" = amd64 ]; then
        cp "$(command -v busybox)" "$root/bin/busybox"
        with_libraries "$(command -v ip)" "$(command -v nft)"
        compile at-call tests/SystemTests/Reliability/at-call.c
        install -m 755 tests/vm/reliability.sh "$root/tests/reliability.sh"
    else
        # The tracer at-call knows the registers of amd64 only: no tests of reliability.
        cp "$cache/kernel/programs/bin/busybox" "$root/bin/"
        cp "$cache/kernel/programs/bin/ip" "$cache/kernel/programs/usr/sbin/nft" "$root/usr/sbin/"
        cp -r "$cache/kernel/programs/lib" "$root/"
        mkdir -p "$root/usr/lib" && cp -r "$cache/kernel/programs/usr/lib/aarch64-linux-gnu" "$root/usr/lib/"
        echo true >"$root/tests/reliability.sh"
    fi
    ln -s busybox "$root/bin/sh"
    copy_modules
    compile traffic tests/vm/traffic.c
    install -m 755 "$executables"/egress-{router,routerctl,operator} "$root/bin/"
    install -m 755 tests/vm/init "$root/init"
    install -m 755 "$scenarios" "$root/tests/scenarios.sh"
    (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$cache/initramfs.gz"
}

# What needs no netlink runs under qemu's user mode: the plugin's VERSION, and explain for each example.
in_user_mode() {
    local file answer
    answer=$(echo '{"cniVersion":"1.0.0"}' | CNI_COMMAND=VERSION qemu-aarch64-static "$executables/egress-router") &&
        [[ $answer == *'"plugin":"egress-router '* ]] && echo "PASS VERSION in user mode" || echo "FAIL VERSION in user mode: $answer"
    for file in cni-conf-examples/*.json; do
        answer=$(qemu-aarch64-static "$executables/egress-routerctl" explain "$file" 2>&1) && [[ $answer == network* ]] &&
            echo "PASS explain $file in user mode" || echo "FAIL explain $file in user mode: $answer"
    done
}

mkdir -p "$cache"
trap at_exit EXIT
fetch_kernel >"$cache/log" 2>&1
version=$(ls "$cache/kernel/lib/modules")
make_initramfs >"$cache/log" 2>&1

# Emulated, not by KVM: slow, but the same everywhere. CPU mitigations are off: under emulation they cost most of all.
timeout --kill-after=5 "$limit" $machine_options -accel tcg -smp 2 -m 512 -nodefaults -display none -serial stdio -no-reboot \
    -kernel "$cache/kernel/boot/vmlinuz-$version" -initrd "$cache/initramfs.gz" -append "console=$console_device panic=-1 quiet mitigations=off no_timer_check" \
    </dev/null >"$console.raw" 2>&1 &
machine=$!
status=0
wait "$machine" || status=$?
tr -d '\r' <"$console.raw" | tee "$console"

passed=$(grep -c '^PASS ' "$console" || true)
failed=$(grep -c '^FAIL ' "$console" || true)
# The guest's last line must report the same counts.
if [ "$status" -ne 0 ] || ! grep -qx "end: $passed passed, $failed failed" "$console" || [ "$passed" -eq 0 ]; then
    echo "FAILED: the guest did not come to its end (exit code $status)"
    failed=$((failed + 1))
fi
if [ "$arch" = arm64 ]; then
    in_user_mode | tee "$cache/user-mode.log"
    passed=$((passed + $(grep -c '^PASS ' "$cache/user-mode.log" || true)))
    failed=$((failed + $(grep -c '^FAIL ' "$cache/user-mode.log" || true)))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
