# What is true on another kernel than that of the machine: macvlan and every mode of ipvlan, on every kind of parent, with
# real traffic. Run by busybox' shell in the guest. Each scenario is one line, PASS or FAIL with what was seen; the last line
# tells the numbers. The network is that of the system tests:
#
#   client (pod0)  ----  (eth0) pod        node (lan0 or lan0.100)  ----  (node0) lan
#
# and instead of lan0 there is a parent without a peer, dum0, with a second pod on it.

export PATH=/usr/sbin:/bin
# The shell's own "ip" is not the one.
ip() { /usr/sbin/ip "$@"; }
inside() { # inside NAMESPACE COMMAND...
    inside_name=$1
    shift
    nsenter --net="/run/netns/$inside_name" "$@"
}

passed=0
failed=0
scenario() { # scenario NAME FUNCTION ARGUMENTS...: the function stops at the first command that fails
    name=$1
    shift
    (set -e && "$@") >/tmp/seen 2>&1
    if [ $? -eq 0 ]; then
        passed=$((passed + 1))
        echo "PASS $name ($(cut -d ' ' -f 1 /proc/uptime) s)"
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        sed 's/^/     /' /tmp/seen
        # Whatever it left must not be the next one's fault.
        make_lab "$parent"
    fi
}
is() { # is WHAT EXPECTED FOUND
    [ "$2" = "$3" ] || { printf '%s: expected\n%s\nfound\n%s\n' "$@" && exit 1; }
}
has() { # has WHAT EXPECTED FOUND: somewhere in it
    case $3 in *"$2"*) ;; *) printf '%s: expected\n%s\nin\n%s\n' "$@" && exit 1 ;; esac
}

# --- The network ------------------------------------------------------------------------------------------------------

remove_lab() {
    [ ! -e /tmp/servers ] || kill $(cat /tmp/servers)
    rm -f /tmp/servers
    for space in $(ls /run/netns 2>/dev/null); do
        ip netns delete "$space"
    done
}

make_lab() { # make_lab PARENT: lan0, lan0.100 or dum0
    remove_lab
    parent=$1
    for space in node lan client pod pod2; do
        ip netns add $space
        # All addresses are given, and can be used at once.
        inside $space sh -c 'cd /proc/sys/net/ipv6/conf && echo 0 >all/accept_dad && echo 0 >default/accept_dad && echo 1 >default/addr_gen_mode'
        ip -n $space link set lo up
    done
    outside=node0
    case $parent in
        dum0) ip -n node link add dum0 type dummy ;;
        *) ip -n node link add lan0 type veth peer name node0 netns lan ;;
    esac
    if [ "$parent" = lan0.100 ]; then
        ip -n node -batch - <<COMMANDS
link set lan0 up
link add link lan0 name lan0.100 type vlan id 100
COMMANDS
        ip -n lan -batch - <<COMMANDS
link set node0 up
link add link node0 name node0.100 type vlan id 100
COMMANDS
        outside=node0.100
    fi
    if [ "$parent" != dum0 ]; then
        # In mode l3 nobody answers for the egress address: it is reached by the node.
        ip -n lan -batch - <<COMMANDS
address add 192.168.12.1/24 dev $outside
address add 192.168.12.91/24 dev $outside
address add 2001:db8:12::1/64 dev $outside nodad
address add 2001:db8:12::91/64 dev $outside nodad
address add fe80::1/64 dev $outside nodad
address add 203.0.113.26/32 dev lo
link set $outside up
route add 192.168.12.93/32 via 192.168.12.10
route add 2001:db8:12::93/128 via 2001:db8:12::10
COMMANDS
        for server in "tcp 192.168.12.91 8080" "udp 192.168.12.91 53" "tcp 203.0.113.26 443" "sctp 203.0.113.26 5000" \
            "tcp 2001:db8:12::91 8080" "udp 2001:db8:12::91 53" "sctp 2001:db8:12::91 5000"; do
            inside lan traffic serve $server >>/tmp/servers
        done
    fi
    ip -n node -batch - <<COMMANDS
address add 192.168.12.10/24 dev $parent
address add 2001:db8:12::10/64 dev $parent nodad
address add fe80::10/64 dev $parent nodad
link set $parent up
route add default via 192.168.12.1
route add default via 2001:db8:12::1
COMMANDS
    ip -n pod -batch - <<COMMANDS
link add eth0 type veth peer name pod0 netns client
address add 10.129.2.31/23 dev eth0
address add fd00:10:129::31/64 dev eth0 nodad
link set eth0 up
COMMANDS
    ip -n client -batch - <<COMMANDS
address add 10.129.2.1/23 dev pod0
address add fd00:10:129::1/64 dev pod0 nodad
link set pod0 up
COMMANDS
    ip -n pod -batch - <<COMMANDS
route add default via 10.129.2.1
route add default via fd00:10:129::1
COMMANDS
    for space in node pod pod2; do
        wait_for_links $space
        snapshot $space >/tmp/before-$space
    done
}

wait_for_links() { # wait_for_links NAMESPACE: until links that are up have a carrier and a state
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        # Loopback and dummy links stay in the state UNKNOWN.
        ip -n "$1" -o link show up | grep -v ': lo:\|: dum0:' | grep -q 'NO-CARRIER\|state DOWN\|state UNKNOWN' || return 0
        sleep 0.1
    done
}

snapshot() { # snapshot NAMESPACE: all that a plugin could change
    printf '%s\n' link address "route show table all" rule | ip -n "$1" -d -o -batch -
    printf '%s\n' "route show table all" rule | ip -n "$1" -6 -batch -
    inside "$1" nft list ruleset
    inside "$1" grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf 2>/dev/null
}

as_before() { # as_before NAMESPACE...
    for space in "$@"; do
        snapshot "$space" >/tmp/after
        diff "/tmp/before-$space" /tmp/after || { echo "$space is not as it was before" && exit 1; }
    done
}

# --- The plugin -------------------------------------------------------------------------------------------------------

# The last byte of the egress addresses: those that lan reaches by the node only, in the modes that need it.
number() {
    case $1 in l3) echo 93 ;; *) echo 99 ;; esac
}

config() { # config TYPE MODE NUMBER [MORE]
    cat <<JSON
{ "cniVersion": "1.0.0", "type": "egress-router", "name": "vm", "interfaceType": "$1",
  "interfaceArgs": { "master": "$parent", "mode": "$2", "mtu": 1400 }, ${4:-}
  "ip": {
    "addresses": ["192.168.12.$3/24", "2001:db8:12::$3/64"],
    "gateways": ["192.168.12.1", "2001:db8:12::1"],
    "destinations": [
      "80 tcp 192.168.12.91 8080", "53 udp 192.168.12.91", "5000 sctp 203.0.113.26",
      "80 tcp 2001:db8:12::91 8080", "53 udp 2001:db8:12::91", "5000 sctp 2001:db8:12::91"] } }
JSON
}

cni() { # cni VERB POD CONFIGURATION
    printf '%s' "$3" | inside node env -i CNI_COMMAND="$1" CNI_CONTAINERID=vm CNI_NETNS="/run/netns/$2" \
        CNI_IFNAME=net1 CNI_PATH=/bin /bin/egress-router 2>>/tmp/log
}

add() { # add POD CONFIGURATION: the result is in $result
    result=$(cni ADD "$1" "$2") || { echo "ADD: $result" && exit 1; }
}

refuse() { # refuse POD CONFIGURATION WORDS: ADD fails with these words, and changes nothing
    answer=$(cni ADD "$1" "$2") && { echo "ADD should have failed" && exit 1; }
    has "the error" "$3" "$answer"
    as_before "$1"
}

check() { # check POD CONFIGURATION RESULT: prints what CHECK says
    cni CHECK "$1" "${2%\}}, \"prevResult\": $3 }" || true
}

delete() { # delete POD CONFIGURATION
    is DEL "" "$(cni DEL "$1" "$2")"
}

link_is() { # link_is POD TYPE MODE: the kernel's own words for net1, and the documented main table
    link=$(ip -n "$1" -d -o link show net1 | tr -s ' ')
    has "net1" " $2 mode $3 " "$link"
    has "net1" " mtu 1400 " "$link"
    is "main table" "default via 192.168.12.1 dev net1
192.168.12.0/24 dev net1 proto kernel scope link src 192.168.12.$4
192.168.12.1 dev net1 scope link" "$(ip -n "$1" route | grep net1 | sed 's/ *$//')"
}

tool() { # tool COMMAND OPTION...: the operator's command line
    inside node env -i /bin/egress-routerctl "$@"
}

# --- The scenarios ----------------------------------------------------------------------------------------------------

arrives() { # arrives FROM PROTOCOL ADDRESS PORT SOURCE: the server has seen this source
    seen=$(inside "$1" traffic ask "$2" "$3" "$4") || seen="no answer ($seen)"
    is "source of $2 to $3 port $4" "$5" "$seen"
}

traffic_of() { # traffic_of TYPE MODE: a client's connections, the pod's own, CHECK, DEL
    n=$(number "$2")
    config=$(config "$1" "$2" "$n")
    add pod "$config"
    link_is pod "$1" "$2" "$n"
    is "CHECK" "" "$(check pod "$config" "$result")"
    arrives client tcp 10.129.2.31 80 "192.168.12.$n"
    arrives client udp 10.129.2.31 53 "192.168.12.$n"
    arrives client sctp 10.129.2.31 5000 "192.168.12.$n"
    arrives client tcp fd00:10:129::31 80 "2001:db8:12::$n"
    arrives client udp fd00:10:129::31 53 "2001:db8:12::$n"
    arrives client sctp fd00:10:129::31 5000 "2001:db8:12::$n"
    arrives pod tcp 203.0.113.26 443 "192.168.12.$n"
    arrives pod udp 2001:db8:12::91 53 "2001:db8:12::$n"
    delete pod "$config"
    as_before pod node
}

stays_out() { # stays_out TYPE MODE: a new connection from outside to the pod
    n=$(number "$2")
    config=$(config "$1" "$2" "$n")
    add pod "$config"
    server=$(inside pod traffic serve tcp "192.168.12.$n" 4444)
    answer=$(inside lan traffic ask tcp "192.168.12.$n" 4444 2) && echo "an answer: $answer" && exit 1
    kill "$server"
    delete pod "$config"
}

neighbors() { # neighbors TYPE MODE: two pods on one parent reach each other
    first=$(config "$1" "$2" 99)
    second=$(config "$1" "$2" 98 '"inbound": "allow",')
    add pod "$first"
    before=$result
    add pod2 "$second"
    is "CHECK" "" "$(check pod2 "$second" "$result")$(check pod "$first" "$before")"
    link_is pod "$1" "$2" 99
    servers="$(inside pod2 traffic serve tcp 192.168.12.98 443) $(inside pod2 traffic serve udp 2001:db8:12::98 53)"
    arrives pod tcp 192.168.12.98 443 192.168.12.99
    arrives pod udp 2001:db8:12::98 53 2001:db8:12::99
    kill $servers
    delete pod "$first"
    delete pod2 "$second"
    as_before pod pod2 node
}

shares_the_mac() { # an ipvlan has its parent's, and the result says so
    config=$(config ipvlan l2 99)
    add pod "$config"
    mac=$(ip -n node -o link show "$parent" | sed 's:.* link/ether \([^ ]*\) .*:\1:')
    has "the result" "\"mac\":\"$mac\"" "$result"
    delete pod "$config"
}

no_pair() { # an ipvlan gets no answers, so a pair could not know who has the address
    config=$(config ipvlan l2 99 '"inbound": "allow",')
    config=$(printf '%s' "$config" | sed 's/"ip": {/"ip": { "highAvailability": true,/')
    add pod "$config"
    echo 0123456789abcdef >/tmp/key
    answer=$(env -i /bin/egress-operator hold --service er --selector app=er --address 192.168.12.99/24 --key-file /tmp/key \
        --netns /run/netns/pod 2>&1) && { echo "hold should have refused the ipvlan" && exit 1; }
    has "the error" "--interface net1: an ipvlan gets no answers" "$answer"
    delete pod "$config"
}

in_use() { # in_use TYPE MODE OTHER OTHERMODE: a parent is for one of both
    config=$(config "$1" "$2" 99)
    add pod "$config"
    refuse pod2 "$(config "$3" "$4" 98)" "no $3 can stand on it (EBUSY)"
    delete pod "$config"
    as_before pod node
}

one_mode() { # the kernel has one mode for all ipvlans of a parent: ADD does not change it, and CHECK tells who has
    first=$(config ipvlan l2 99)
    second=$(config ipvlan l2 98)
    add pod "$first"
    before=$result
    refuse pod2 "$(config ipvlan l3 98)" "the parent has ipvlans of mode l2, and they would get mode l3 too"
    is "CHECK" "" "$(check pod "$first" "$before")"
    add pod2 "$second"
    delete pod2 "$second"
    ip -n node link add other link $parent type ipvlan mode l3
    has "CHECK" "link net1: kind is ipvlan of mode l3, not ipvlan of mode l2" "$(check pod "$first" "$before")"
    ip -n node link del other
    delete pod "$first"
    as_before pod pod2 node
}

same_address() { # the kernel knows the addresses of all ipvlans of a parent
    config=$(config ipvlan l2 99)
    add pod "$config"
    refuse pod2 "$config" "add address 192.168.12.99/24 to net1: Address already assigned to an ipvlan device"
    delete pod "$config"
    as_before pod node
}

name_on_the_node() { # name_on_the_node TYPE MODE: kernels before 6.13 look for the pod's name on the node
    ip -n node link add net1 type dummy
    node=$(ip -n node -d -o link show net1)
    config=$(config "$1" "$2" 99)
    add pod "$config"
    link_is pod "$1" "$2" 99
    is "CHECK" "" "$(check pod "$config" "$result")"
    delete pod "$config"
    is "net1 on the node" "$node" "$(ip -n node -d -o link show net1)"
    ip -n node link delete net1
    as_before pod node
}

counted() { # connections of each protocol are counted, and a full connection table is named
    config=$(config macvlan bridge 99)
    add pod "$config"
    arrives client tcp 10.129.2.31 80 192.168.12.99
    arrives client udp 10.129.2.31 53 192.168.12.99
    arrives client sctp 10.129.2.31 5000 192.168.12.99
    found=$(tool status --output prometheus --netns /run/netns/pod)
    for destination in "80 tcp 192.168.12.91 8080" "53 udp 192.168.12.91" "5000 sctp 203.0.113.26"; do
        has "the counters" "egress_router_connections_total{netns=\"/run/netns/pod\",interface=\"net1\",network=\"vm\",container=\"vm\",destination=\"$destination\"} 1" "$found"
    done
    limit=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
    echo 1 >/proc/sys/net/netfilter/nf_conntrack_max
    found=$(printf '%s' "$config" | tool probe --netns /run/netns/pod - | sed -n 1p)
    echo "$limit" >/proc/sys/net/netfilter/nf_conntrack_max
    has "the first line of probe" "pod: the connection table is full: " "$found"
    delete pod "$config"
    as_before pod node
}

changed() { # destinations and ranges come and go in the maps that are there
    config=$(config macvlan bridge 99)
    add pod "$config"
    for others in '"81 tcp 192.168.12.91 8080", "8000-8010 udp 192.168.12.91"' '"82 tcp 192.168.12.91 8080", "8000-8005 udp 192.168.12.91"'; do
        new=$(printf '%s' "$config" | sed "s/\"80 tcp 192.168.12.91 8080\"/$others/")
        has "repair" "repaired" "$(printf '%s' "$new" | tool repair --netns /run/netns/pod - 2>&1)"
        is "CHECK" "" "$(check pod "$new" "$result")"
    done
    arrives client tcp 10.129.2.31 82 192.168.12.99
    arrives client udp 10.129.2.31 53 192.168.12.99
    delete pod "$new"
    as_before pod node
}

vlan() { # the node has lan0 only, the pod gets VLAN 100 of it; a second pod cannot
    ip -n node link delete lan0.100
    ip -n node link set lan0 up
    snapshot node >/tmp/before-node
    config=$(config macvlan bridge 99 | sed 's/"macvlan"/"vlan"/; s/"master": "lan0.100", "mode": "bridge"/"master": "lan0", "vlanId": 100, "txqueuelen": 500/')
    add pod "$config"
    link=$(ip -n pod -d -o link show net1 | tr -s ' ')
    has "net1" " vlan protocol 802.1Q id 100 " "$link"
    has "net1" " qlen 500" "$link"
    is "CHECK" "" "$(check pod "$config" "$result")"
    arrives client tcp 10.129.2.31 80 192.168.12.99
    arrives client udp fd00:10:129::31 53 2001:db8:12::99
    arrives pod tcp 203.0.113.26 443 192.168.12.99
    refuse pod2 "$config" "the parent has VLAN 100 already"
    has "CHECK" "kind is vlan 100, not vlan 101" "$(check pod "$(printf '%s' "$config" | sed 's/"vlanId": 100/"vlanId": 101/')" "$result")"
    delete pod "$config"
    as_before pod node
}

kinds="macvlan/bridge ipvlan/l2 ipvlan/l3"
for parent in lan0 lan0.100; do
    make_lab $parent
    for kind in $kinds; do
        scenario "$kind on $parent: connections have the egress address, CHECK is silent, DEL leaves nothing" traffic_of ${kind%/*} ${kind#*/}
    done
done
scenario "vlan on lan0: as the others, for one pod" vlan
make_lab lan0
scenario "macvlan/bridge: connections are counted, a full connection table is named" counted
scenario "macvlan/bridge: repair changes the destinations" changed
scenario "macvlan/bridge: nothing new comes in from outside" stays_out macvlan bridge
scenario "ipvlan/l2: nothing new comes in from outside" stays_out ipvlan l2
scenario "ipvlan/l3: nothing new comes in from outside" stays_out ipvlan l3
make_lab dum0
for kind in $kinds; do
    scenario "$kind on dum0: two pods reach each other, CHECK is silent, DEL leaves nothing" neighbors ${kind%/*} ${kind#*/}
done
scenario "ipvlan has the hardware address of its parent" shares_the_mac
scenario "ipvlan: hold refuses it" no_pair
scenario "ipvlan on a parent with a macvlan is refused" in_use macvlan bridge ipvlan l2
scenario "macvlan on a parent with an ipvlan is refused" in_use ipvlan l3 macvlan bridge
scenario "the mode of all ipvlans of a parent is not changed, and CHECK names who has" one_mode
scenario "ipvlan with the address of another is refused" same_address
scenario "macvlan whose name the node has too" name_on_the_node macvlan bridge
scenario "ipvlan whose name the node has too" name_on_the_node ipvlan l3
. /tests/reliability.sh
remove_lab
echo "end: $passed passed, $failed failed"
