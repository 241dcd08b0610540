# Part of scripts/demo.sh: haproxy in the pod connects from the reserved address to the current addresses of a name.

hosts="192.168.12.91 database.example.com"
. scripts/demo/proxies.sh

# --- The outside: a server that answers with the source address it sees ------------------------------------------
nsenter --net="/run/netns/$lan" socat TCP4-LISTEN:5432,reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR asks $SOCAT_SOCKADDR' &

say "egress-routerctl dns-proxy: becomes haproxy, with this list"
list='# port of the pod, destination, its port
15432 database.example.com 5432'
echo "$list"
EGRESS_DNS_PROXY_DESTINATION=$list in_container "$tools" dns-proxy --directory "$folder/run" 2>"$folder/log" &
gets() { # gets ANSWER: whether the client does
    seen=$(inside "$client" socat -t 3 - TCP4:10.129.2.31:15432,connect-timeout=3 </dev/null 2>/dev/null || true)
    [ "$seen" = "$1" ]
}

say "The client connects to the pod, 10.129.2.31:15432. Who does the server see?"
try 100 0.2 haproxy gets "192.168.12.99 asks 192.168.12.91"
echo "${seen:-no answer}"
say "proxy-health, as a readiness probe asks it"
in_container "$tools" proxy-health --directory "$folder/run" dns-proxy || true

say "database.example.com moves to 192.168.12.1"
echo "192.168.12.1 database.example.com" >"$folder/hosts"
kill -HUP $(ip netns pids "$lan" | while read -r id; do grep -qx dnsmasq "/proc/$id/comm" 2>/dev/null && echo "$id"; done)
first=$seen
try 100 0.2 haproxy gets "192.168.12.99 asks 192.168.12.1"
echo "${seen:-no answer}"
if [ "$first" != "192.168.12.99 asks 192.168.12.91" ] || [ "$seen" != "192.168.12.99 asks 192.168.12.1" ]; then
    cat "$folder/log" >&2
    echo "demo: FAILED: the servers should have seen 192.168.12.99" >&2
    exit 1
fi

say "Done: both servers saw 192.168.12.99, the reserved address"
