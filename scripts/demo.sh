#!/bin/bash
# An egress router at work, between network namespaces of this machine that are removed again at the end:
#
#    client                    pod                          node (parent link lan0)       lan
#    10.129.2.1 ---- eth0 10.129.2.31/23
#                    net1 192.168.12.99/24 ---- macvlan ---- 192.168.12.10/24 ---- 192.168.12.1   the gateway
#                                                                                  192.168.12.91  the destination
#
# The client connects to the pod; the destination must see 192.168.12.99, the reserved address.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
    echo "demo: it makes network namespaces, which needs root: sudo make demo" >&2
    exit 1
fi

plugin=$PWD/out/egress-router
config=$PWD/cni-conf-examples/redirect.json
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
        # Only what runs in our own namespaces, by process id.
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
    # Addresses are usable at once, without duplicate address detection.
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

# --- Servers at the destination that answer with the source address they see -----------------------------------
nsenter --net="/run/netns/$lan" \
    socat TCP4-LISTEN:5432,bind=192.168.12.91,reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR' &
nsenter --net="/run/netns/$lan" \
    socat UDP4-RECVFROM:5353,bind=192.168.12.91,reuseaddr,fork SYSTEM:'read -r hello; echo $SOCAT_PEERADDR' &
for _ in $(seq 50); do
    [ "$(inside "$lan" ss -Hltun | wc -l)" -eq 2 ] && break
    sleep 0.1
done

# --- The plugin, called as Multus calls it ------------------------------------------------------------------------
cni() { # cni VERB <CONFIGURATION
    inside "$node" env -i CNI_COMMAND="$1" CNI_CONTAINERID=demo CNI_NETNS="/run/netns/$pod" CNI_IFNAME=net1 \
        CNI_PATH="$(dirname "$plugin")" "$plugin"
}

say "The configuration"
cat "$config"

say "The pod's routes before"
inside "$pod" ip route

say "ADD: the pod gets net1; this is the result that the runtime reads"
result=$(cni ADD <"$config") || { echo "$result" >&2; exit 1; }
echo "$result"

say "The pod's routes now: everything leaves by net1, the cluster network stays on eth0"
inside "$pod" ip route

say "The pod's rules: to the destination on the way in, from the reserved address on the way out"
inside "$pod" nft list ruleset

say "The client connects to the pod, 10.129.2.31. Who does the destination see?"
tcp=$(inside "$client" socat -t 3 - TCP4:10.129.2.31:5432,connect-timeout=3 </dev/null || true)
udp=$(echo hello | inside "$client" socat -t 2 - UDP4:10.129.2.31:5353 || true)
echo "TCP, port 5432: ${tcp:-no answer}"
echo "UDP, port 5353: ${udp:-no answer}"
if [ "$tcp" != 192.168.12.99 ] || [ "$udp" != 192.168.12.99 ]; then
    echo "demo: FAILED: the destination should have seen 192.168.12.99" >&2
    exit 1
fi

say "CHECK: silent, because the pod is as it should be"
# A runtime hands the result of ADD back in the configuration.
text=$(cat "$config")
printf '%s, "prevResult": %s}' "${text%\}*}" "$result" | cni CHECK

say "DEL: net1 goes, and the pod's own routes are back"
cni DEL <"$config"
inside "$pod" ip route
rules=$(inside "$pod" nft list ruleset)
if [ -n "$rules" ]; then
    echo "demo: FAILED: DEL left rules behind" >&2
    exit 1
fi

say "Done: the destination saw 192.168.12.99, the reserved address, for TCP and for UDP"
