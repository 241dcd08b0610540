# Part of scripts/demo.sh: the pod's rules redirect connections.
config=$PWD/cni-conf-examples/redirect.json
. scripts/demo/router.sh

# --- Servers at the destination that answer with the source address they see -----------------------------------
nsenter --net="/run/netns/$lan" \
    socat TCP4-LISTEN:5432,bind=192.168.12.91,reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR' &
nsenter --net="/run/netns/$lan" \
    socat UDP4-RECVFROM:5353,bind=192.168.12.91,reuseaddr,fork SYSTEM:'read -r hello; echo $SOCAT_PEERADDR' &
listen() { [ "$(inside "$lan" ss -Hltun | wc -l)" -eq 2 ]; }
try 50 0.1 "the servers" listen

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
# A runtime passes the result of ADD back in the configuration.
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
