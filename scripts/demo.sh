#!/bin/bash
# The project at work, between network namespaces of this machine that are removed at the end, also if it is interrupted:
# scripts/demo.sh [redirect|http-proxy|dns-proxy|egress-ip|operator|pair]
# The first three show an egress router (scripts/demo/router.sh): the pod's rules, squid, or haproxy. The others show
# EgressIP, a router that the controller makes of an EgressRouter object, and a pair of routers that holds one address.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/progress.sh

mode=${1:-redirect}
case $mode in
redirect | http-proxy | dns-proxy | egress-ip | operator | pair) ;;
*)
    echo "demo: MODE=$mode is none of redirect, http-proxy, dns-proxy, egress-ip, operator, pair" >&2
    exit 2
    ;;
esac

if [ "$(id -u)" -ne 0 ]; then
    echo "demo: it makes network namespaces, which needs root: sudo make demo" >&2
    exit 1
fi

export PATH="$PATH:/usr/sbin:/sbin"

namespaces="" # those that the demo has made
folder=$(mktemp -d)

say() { printf '\n# %s\n' "$*"; }
inside() { # inside NAMESPACE COMMAND...
    local namespace=$1
    shift
    timeout --kill-after=2 20 nsenter --net="/run/netns/$namespace" "$@"
}

waiting() { # waiting ROUND WHAT: in a loop whose rounds take 0.1 s or more; from half a second on, it tells that the demo waits
    [ "$1" -lt 5 ] || progress "demo: $SECONDS s, waiting for $2"
}
try() { # try TIMES PAUSE WHAT COMMAND...: until it succeeds, or so often
    local times=$1 pause=$2 what=$3 round
    shift 3
    for round in $(seq "$times"); do
        ! "$@" || break
        waiting "$round" "$what"
        sleep "$pause"
    done
    progress
}

make_namespace() { # make_namespace NAME
    namespaces="$1 $namespaces"
    ip netns add "$1"
    # nodad: addresses are usable at once, without duplicate address detection.
    inside "$1" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
    inside "$1" ip link set lo up
}

clean_up() {
    trap '' EXIT INT TERM
    progress
    # Kills only what the demo has started, by process ID: its jobs, and what they have started in its namespaces.
    kill $(jobs -pr) 2>/dev/null || true
    for namespace in $namespaces; do
        kill $(ip netns pids "$namespace" 2>/dev/null) 2>/dev/null || true
        ip netns delete "$namespace" 2>/dev/null || true
    done
    for _ in $(seq 50); do
        [ -n "$(jobs -pr)" ] || break
        sleep 0.1
    done
    kill -KILL $(jobs -pr) 2>/dev/null || true
    rm -rf "$folder"
}
trap clean_up EXIT

. scripts/demo/$mode.sh
