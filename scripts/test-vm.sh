#!/bin/bash
# Runs the tests that need another kernel than this machine's: scripts/test-vm.sh [GUEST SCRIPT]
# Boots Debian's cloud kernel (ipvlan, dummy, 8021q, SCTP; and an older rtnetlink) in qemu, with an initramfs of busybox,
# iproute2, nftables and the executables of out, and runs tests/vm/scenarios.sh there. Needs no root once the packages are installed.
# The last line is "N passed, N failed". A guest that hangs, panics or does not finish counts as a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

scenarios=${1:-tests/vm/scenarios.sh}
cache=out/vm
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

# Resolves the metapackage to its versioned dependency.
download_kernel() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p')
    (cd "$cache/package" && apt-get download -qq "${package:-linux-image-cloud-amd64}")
}

# Unpacks the kernel's package without installing it, and keeps it for the next run.
fetch_kernel() {
    [ ! -e "$cache/kernel/done" ] || return 0
    rm -rf "$cache/kernel" "$cache/package"
    mkdir -p "$cache/kernel" "$cache/package"
    # apt's package lists may be outdated.
    download_kernel || { [ "$(id -u)" -eq 0 ] && apt-get update -qq && download_kernel; }
    dpkg -x "$cache"/package/*.deb "$cache/kernel"
    busybox depmod -b "$cache/kernel" "$(ls "$cache/kernel/lib/modules")"
    rm -rf "$cache/package"
    touch "$cache/kernel/done"
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

make_initramfs() {
    rm -rf "$root"
    mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,proc,sys,dev,run,tmp,tests,"lib/modules/$version"}
    cp "$(command -v busybox)" "$root/bin/busybox"
    ln -s busybox "$root/bin/sh"
    with_libraries "$(command -v ip)" "$(command -v nft)"
    copy_modules
    gcc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -s -o "$root/bin/traffic" tests/vm/traffic.c
    gcc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -s -o "$root/bin/at-call" tests/SystemTests/Reliability/at-call.c
    install -m 755 out/egress-router out/egress-routerctl "$root/bin/"
    install -m 755 tests/vm/init "$root/init"
    install -m 755 "$scenarios" "$root/tests/scenarios.sh"
    install -m 755 tests/vm/reliability.sh "$root/tests/reliability.sh"
    (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$cache/initramfs.gz"
}

mkdir -p "$cache"
trap at_exit EXIT
fetch_kernel >"$cache/log" 2>&1
version=$(ls "$cache/kernel/lib/modules")
make_initramfs >"$cache/log" 2>&1

# Emulated, not by KVM: slow, but the same everywhere. CPU mitigations are off: under emulation they cost most of all.
timeout --kill-after=5 "$limit" qemu-system-x86_64 -accel tcg -smp 2 -m 512 -nodefaults -display none -serial stdio -no-reboot \
    -kernel "$cache/kernel/boot/vmlinuz-$version" -initrd "$cache/initramfs.gz" -append "console=ttyS0 panic=-1 quiet mitigations=off no_timer_check" \
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
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
