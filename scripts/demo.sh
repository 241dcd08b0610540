#!/bin/bash
# An egress router at work, between network namespaces of this machine that are removed at the end:
#
#    client                    pod                          node (parent link lan0)       lan
#    10.129.2.1 ---- eth0 10.129.2.31/23
#                    net1 192.168.12.99/24 ---- macvlan ---- 192.168.12.10/24 ---- 192.168.12.1   the gateway
#                                                                                  192.168.12.91  the destination
#
# The client connects to the pod; the destination must see 192.168.12.99, the reserved address.
# scripts/demo.sh [redirect|http-proxy|dns-proxy]: the mode: the pod's rules, squid, or haproxy.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-redirect}
case $mode in
redirect) config=redirect.json ;;
http-proxy | dns-proxy) config=source-address-only.json ;;
*)
    echo "demo: MODE=$mode is none of redirect, http-proxy, dns-proxy" >&2
    exit 2
    ;;
esac

if [ "$(id -u)" -ne 0 ]; then
    echo "demo: it makes network namespaces, which needs root: sudo make demo" >&2
    exit 1
fi

export PATH="$PATH:/usr/sbin:/sbin"

plugin=$PWD/out/egress-router
tools=$PWD/out/egress-routerctl
config=$PWD/cni-conf-examples/$config
node=demo-node-$$ pod=demo-pod-$$ client=demo-client-$$ lan=demo-lan-$$
namespaces="$node $pod $client $lan"

say() { printf '\n# %s\n' "$*"; }
inside() { # inside NAMESPACE COMMAND...
    local namespace=$1
    shift
    timeout --kill-after=2 20 nsenter --net="/run/netns/$namespace" "$@"
}

clean_up() {
    trap - EXIT INT TERM
    for namespace in $namespaces; do
        # Kills only the processes in the demo's namespaces, by process ID.
        kill $(ip netns pids "$namespace" 2>/dev/null) 2>/dev/null || true
        ip netns delete "$namespace" 2>/dev/null || true
    done
    wait 2>/dev/null || true
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- A node, a pod with its cluster interface eth0, a client on the pod network, and the outside --------------
for namespace in $namespaces; do
    ip netns add "$namespace"
    # nodad: addresses are usable at once, without duplicate address detection.
    inside "$namespace" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
    inside "$namespace" ip link set lo up
done

inside "$pod" ip link add eth0 type veth peer name pod0 netns "$client"
inside "$node" ip link add lan0 type veth peer name node0 netns "$lan"

inside "$client" ip -batch - <<-'COMMANDS'
	address add 10.129.2.1/23 dev pod0
	link set pod0 up
COMMANDS
inside "$pod" ip -batch - <<-'COMMANDS'
	address add 10.129.2.31/23 dev eth0
	link set eth0 up
	route add default via 10.129.2.1
COMMANDS
inside "$lan" ip -batch - <<-'COMMANDS'
	address add 192.168.12.1/24 dev node0
	address add 192.168.12.91/24 dev node0
	link set node0 up
COMMANDS
inside "$node" ip -batch - <<-'COMMANDS'
	address add 192.168.12.10/24 dev lan0
	link set lan0 up
	route add default via 192.168.12.1
COMMANDS

# --- The plugin, called as Multus calls it ------------------------------------------------------------------------
cni() { # cni VERB <CONFIGURATION
    inside "$node" env -i CNI_COMMAND="$1" CNI_CONTAINERID=demo CNI_NETNS="/run/netns/$pod" CNI_IFNAME=net1 \
        CNI_PATH="$(dirname "$plugin")" "$plugin"
}

say "The configuration"
cat "$config"
. scripts/demo/$mode.sh
