#!/bin/bash
# Runs make TARGET on a bare machine: scripts/test-bare.sh [TARGET]
# A bare machine is a Debian folder with only git, make and this machine's .NET SDK, made by debootstrap and kept in out/bare.
# Commands run in a copy, in mount and PID namespaces of its own, and leave nothing behind. The sources are a clone in /root: the last
# commit with the uncommitted changes (of new files, only those that git tracks).
# "demo", the default, runs in each of its modes, each on a new bare machine; its last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
exec </dev/null

target=${1:-demo}
. /etc/os-release # VERSION_CODENAME
cache=out/bare
pristine=$cache/$VERSION_CODENAME
sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
mkdir -p "$cache"
work=$(mktemp -d "$PWD/$cache/run.XXXXXX")

child=
at_exit() {
    [ -z "$child" ] || { kill "$child" && wait "$child"; } 2>/dev/null || true
    rm -rf "$work"
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

apart() { # apart LIMIT COMMAND...: in mount and PID namespaces of its own, which end with it
    local limit=$1 status=0
    shift
    # A background process, and everything that it starts, would ignore Ctrl-C.
    timeout --kill-after=5 "$limit" unshare --mount --pid --fork --kill-child --propagation private env --default-signal=INT,QUIT "$@" &
    child=$!
    wait "$child" || status=$?
    child=
    return "$status"
}

sources() { # this machine's package sources of its own release: deb URI RELEASE COMPONENT
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        grep -E "^deb \S+ $VERSION_CODENAME(-updates|-security)? (main|universe)$" | sort -u
}

make_pristine() {
    local mirror
    mirror=$(sources | awk -v release="$VERSION_CODENAME" '$3 == release { print $2; exit }')
    apart 1200 debootstrap --variant=minbase --include=git,make "$VERSION_CODENAME" "$work/new" "$mirror" >"$work/log" 2>&1 || {
        cat "$work/log"
        return 1
    }
    mv -T "$work/new" "$pristine"
}

take() { # take FOLDER FILE...: copies those of this machine's files that exist to the folder
    local to=$1 file
    shift
    for file; do
        [ ! -e "$file" ] || { mkdir -p "$to" && cp -aL "$file" "$to/"; }
    done
}

make_machine() { # make_machine FOLDER: a bare machine with this one's package sources
    cp -a "$pristine" "$1"
    mkdir -p "$1/usr/share/dotnet"
    ln -s /usr/share/dotnet/dotnet "$1/usr/bin/dotnet"
    take "$1/etc" /etc/resolv.conf /etc/hosts
    take "$1/etc/apt" /etc/apt/auth.conf /etc/apt/auth.conf.d /etc/apt/trusted.gpg.d
    sources >"$1/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(http|https|Check-.*)\b' >"$1/etc/apt/apt.conf.d/90machine" || true
    take "$1/usr/local/share" /usr/local/share/ca-certificates
    take "$1/root/.nuget" ~/.nuget/NuGet
    take "$1/etc/opt" /etc/opt/NuGet
}

make_clone() { # make_clone FOLDER
    git clone -q . "$1"
    git diff --quiet HEAD || git diff --binary HEAD | git -C "$1" apply
}

on_machine() { # on_machine FOLDER LIMIT COMMAND...: in the clone, with the folder as /
    local machine=$1 limit=$2 settings
    shift 2
    mapfile -t settings < <(env | grep -E '^(NUGET_\w+|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY)=')
    # bash stays as the first process of the PID namespace: it reaps the others.
    apart "$limit" bash -euc '
        cd "$0"
        mount --bind . . && cd "$0"
        mount -t proc proc proc
        mount --rbind /sys sys
        mount --rbind /dev dev
        mount --bind -o ro "$1" usr/share/dotnet
        shift
        pivot_root . mnt
        cd /root/egress-router-cni
        umount -l /mnt
        status=0
        "$@" || status=$?
        exit $status' "$machine" "$sdk" \
        env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}" "${settings[@]}" "$@"
}

[ "$(id -u)" -eq 0 ] || { echo "test-bare: it makes a machine, which needs root: sudo make test-bare" >&2 && exit 1; }
[ -e "$pristine" ] || make_pristine
make_clone "$work/clone"

if [ "$target" != demo ]; then
    make_machine "$work/machine"
    mv "$work/clone" "$work/machine/root/egress-router-cni"
    on_machine "$work/machine" 14400 make $target # with arguments for make: "release VERSION=1.0.0"
    exit
fi

passed=0 failed=0
for mode in redirect http-proxy dns-proxy egress-ip operator pair; do
    began=$SECONDS log=$cache/$mode.log
    make_machine "$work/$mode"
    # The build output is included: building has dependencies of its own.
    mv "$work/clone" "$work/$mode/root/egress-router-cni"
    if on_machine "$work/$mode" 1200 make demo MODE=$mode >"$log" 2>&1; then
        echo "PASS make demo MODE=$mode ($((SECONDS - began)) s)"
        passed=$((passed + 1))
    else
        cat "$log"
        echo "FAIL make demo MODE=$mode ($((SECONDS - began)) s)"
        tail -n 5 "$log"
        failed=$((failed + 1))
    fi
    mv "$work/$mode/root/egress-router-cni" "$work/clone"
    rm -rf "${work:?}/$mode"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
