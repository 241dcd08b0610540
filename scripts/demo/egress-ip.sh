# Part of scripts/demo.sh: a cluster with three nodes. An agent on each node, the controller, and the tests' API server in place of
# that of Kubernetes.
#
#    shop/pod1  10.244.1.2 --- node1  192.0.2.11 ---+
#    shop/pod2  10.244.2.2 --- node2  192.0.2.12 ---+---- 192.0.2.1  the router ---- 198.51.100.10  the server
#    shop/pod3  10.244.3.2 --- node3  192.0.2.13 ---+
#    trial/pod4 10.244.3.3 --/
#
# All have IPv6 addresses too. The server must see pods of "shop" as 192.0.2.100 and 2001:db8:2::100, also after a node is lost.
objects=scripts/demo/egress-ip.yaml
operator="timeout --kill-after=2 20 $PWD/out/egress-operator"
outside=demo-outside-$$
server4=198.51.100.10 server6=2001:db8:51::10
. scripts/demo/apiserver.sh

netns() { echo "demo-$1-$$"; } # netns NAME: the namespace of a node or pod

# --- The outside: a router, and behind it a server that answers with the source address it sees ------------------
# A bridge without a MAC address of its own has that of a port: the router must not get another when the link of a node is cut.
make_namespace $outside
inside $outside ip -batch - <<COMMANDS
	link add lan address 02:00:00:00:00:01 type bridge
	link set lan up
	address add 192.0.2.1/24 dev lan
	address add 2001:db8:2::1/64 dev lan
	address add $server4/32 dev lo
	address add $server6/128 dev lo
COMMANDS
# It writes down what it sees: the time and the source.
cat >"$folder/answer" <<ANSWER
#!/bin/sh
echo "\$(date +%s.%N) \$SOCAT_PEERADDR" >>"$folder/seen"
echo "\$SOCAT_PEERADDR"
ANSWER
chmod 755 "$folder/answer"
nsenter --net="/run/netns/$outside" socat TCP4-LISTEN:7000,reuseaddr,fork,backlog=100 "EXEC:$folder/answer" &
nsenter --net="/run/netns/$outside" socat TCP6-LISTEN:7000,ipv6only,reuseaddr,fork "EXEC:$folder/answer" &
nsenter --net="/run/netns/$outside" socat TCP4-LISTEN:7001,reuseaddr,fork PIPE & # an echo

# --- Three nodes, with the routes and the NAT of a simple cluster network ----------------------------------------
for i in 1 2 3; do
    node=$(netns node$i)
    make_namespace "$node"
    inside $outside ip link add node$i type veth peer name eth0 netns "$node"
    inside $outside ip link set node$i master lan up
    inside "$node" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
    inside "$node" ip -batch - <<COMMANDS
	address add 192.0.2.1$i/24 dev eth0
	address add 2001:db8:2::1$i/64 dev eth0
	link set eth0 up
	route add default via 192.0.2.1
	route add default via 2001:db8:2::1
COMMANDS
    for other in 1 2 3; do
        [ $i -eq $other ] || inside "$node" ip -batch - <<COMMANDS
	route add 10.244.$other.0/24 via 192.0.2.1$other
	route add fd00:244:$other::/64 via 2001:db8:2::1$other
COMMANDS
    done
    inside "$node" nft -f - <<'RULES'
table inet cluster {
    chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade
        ip6 saddr fd00:244::/32 ip6 daddr != fd00:244::/32 masquerade
    }
}
RULES
done
while read -r name i last; do
    node=$(netns node$i) pod=$(netns "$name")
    make_namespace "$pod"
    inside "$pod" ip link add eth0 type veth peer name "$name" netns "$node"
    inside "$node" ip -batch - <<COMMANDS
	link set $name up
	address add 10.244.$i.1/32 dev $name
	address add fd00:244:$i::1/128 dev $name
	route add 10.244.$i.$last dev $name
	route add fd00:244:$i::$last dev $name
COMMANDS
    inside "$pod" ip -batch - <<COMMANDS
	link set eth0 up
	address add 10.244.$i.$last/32 dev eth0
	address add fd00:244:$i::$last/128 dev eth0
	route add 10.244.$i.1 dev eth0
	route add fd00:244:$i::1 dev eth0
	route add default via 10.244.$i.1
	route add default via fd00:244:$i::1
COMMANDS
done <<'PODS'
pod1 1 2
pod2 2 2
pod3 3 2
pod4 3 3
PODS

say "The objects"
cat $objects

start_own_apiserver packaging/operator/crds/egressips.yaml packaging/operator/crds/egressnodes.yaml $objects
start controller out/egress-operator controller --port 0
for i in 1 2 3; do
    start node$i out/egress-operator agent --node node$i --netns "/run/netns/$(netns node$i)" --port 0 --gate-socket none
done

holds() { inside "$(netns "$1")" ip -o address show | grep -F " $2/" >/dev/null; } # holds NODE ADDRESS
holder() { for one in node1 node2 node3; do ! holds $one "$1" || echo $one; done; }
has_holders() { [ -n "$(holder 192.0.2.100)" ] && [ -n "$(holder 2001:db8:2::100)" ]; }
wait_for 30 has_holders

say "egress-operator status: which node holds which address"
$operator status || true

# --- What the server sees ----------------------------------------------------------------------------------------
short() { inside $outside ip route get "${1//[][]/}" | sed -E 's/^(local )?(\S+) .*/\2/;q'; }
ask() { inside "$(netns "$1")" timeout "$3" bash -c "cat </dev/tcp/$2/7000" 2>/dev/null || true; } # ask POD SERVER SECONDS
sees() { # sees POD IPV4 IPV6: whether the server sees the pod with these addresses
    seen4=$(ask "$1" $server4 1) seen6=$(ask "$1" $server6 1)
    [ -z "$seen6" ] || seen6=$(short "$seen6")
    [ "$seen4 $seen6" = "$2 $3" ]
}
say "What the server sees"
printf '%-12s %-16s %s\n' pod IPv4 IPv6
while read -r pod space seen; do
    wait_for 10 sees $pod $seen
    printf '%-12s %-16s %s\n' "$space/$pod" "$seen4" "$seen6"
done <<'PODS'
pod1 shop 192.0.2.100 2001:db8:2::100
pod2 shop 192.0.2.100 2001:db8:2::100
pod3 shop 192.0.2.100 2001:db8:2::100
pod4 trial 192.0.2.13 2001:db8:2::13
PODS

# --- Failover ----------------------------------------------------------------------------------------------------
sleep 3 # Agents vote on those only that they have known for 3 s.
is_held() { lost=$(holder 192.0.2.100) && [ -n "$lost" ]; }
wait_for 10 is_held
say "Failover: the link of $lost, which holds 192.0.2.100, is cut, while pods of the other nodes connect again and again"
poll() { # poll POD: connects ten times a second, until $folder/end is there
    until [ -e "$folder/end" ]; do
        ask "$1" $server4 0.3 >/dev/null
        sleep 0.1
    done
}
keep() { # keep POD: goes on with one connection until $folder/end is there; prints for how many seconds it did not
    nsenter --net="/run/netns/$(netns "$1")" timeout 90 bash -c '
        exec 3<>/dev/tcp/'$server4'/7001
        longest=0 last=${EPOCHREALTIME/./}
        until [ -e "$0/end" ]; do
            echo hello >&3
            read -r -t 60 <&3 || exit
            pause=$((${EPOCHREALTIME/./} - last)) last=${EPOCHREALTIME/./}
            [ $pause -lt $longest ] || longest=$pause
            sleep 0.1
        done
        printf "%d.%d" $((longest / 1000000)) $((longest / 100000 % 10))' "$folder"
}
clients=
for pod in pod1 pod2 pod3; do
    [ "node${pod#pod}" != "$lost" ] || continue
    poll $pod &
    clients="$clients $!"
    keep $pod >"$folder/kept-$pod" &
    clients="$clients $!"
done
sleep 1
cut=$(date +%s.%N)
inside $outside ip link set "$lost" nomaster

has_moved() {
    new=$(holder 192.0.2.100)
    [ -n "$new" ] && [ "$new" != "$lost" ] && [ "$new" = "$($operator status | awk '$2 == "192.0.2.100" { print $3 }')" ]
}
wait_for 60 has_moved
sleep 2
touch "$folder/end"
for client in $clients; do wait "$client" || fail "a connection has ended"; done

echo "What the server saw, in seconds from the cut:"
awk -v cut="$cut" '
    $1 < cut - 1 { next }
    { time[++count] = $1 - cut; from[$2] }
    count > 1 && time[count] - time[count - 1] > time[after] - time[after - 1] { after = count }
    END {
        for (source in from) sources = sources " " source
        printf "%5.1f to %.1f: %d connections from%s\n", time[1], time[after - 1], after - 1, sources
        printf "%5.1f to %.1f: nothing\n", time[after - 1], time[after]
        printf "%5.1f to %.1f: %d connections from%s\n", time[after], time[count], count - after + 1, sources
    }' "$folder/seen" | tee "$folder/summary"
for kept in "$folder"/kept-*; do
    echo "The open connection of shop/${kept##*kept-} went on, after at most $(cat "$kept") s"
done

say "egress-operator status"
$operator status || true
others=$(awk -v cut="$cut" '$1 > cut && $2 != "192.0.2.100" { print $2 }' "$folder/seen")
[ -z "$others" ] || fail "the server should have seen no other address than 192.0.2.100: $others"

again=$(sed -n 's/.* to \(.*\): nothing/\1/p' "$folder/summary")
say "Done: the server saw the pods of shop as 192.0.2.100 and 2001:db8:2::100. $new has taken over from $lost: $again s after the cut" \
    "the server saw 192.0.2.100 again, and no other address before"
