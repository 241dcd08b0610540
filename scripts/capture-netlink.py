#!/usr/bin/env python3
"""Captures what ip(8) and nft(8) say to the kernel and hear from it, and events of conntrack, into testdata/netlink.

For developers, when a golden file is to be added: needs root, strace, iproute2 and nftables. Arguments are the
files to write; without any, all are written. Each file names its command. Sequence and port numbers are zeroed,
and so is the padding, which ip(8) leaves to chance; everything else is as it went over the socket, in namespaces
that are made afresh, so that indexes are the same each time.
"""
import os
import re
import subprocess
import sys

FOLDER = os.path.join(os.path.dirname(__file__), "..", "testdata", "netlink")
NODE, POD = f"capture-node-{os.getpid()}", f"capture-pod-{os.getpid()}"

TABLE = """create table inet egress-router-net1
add chain inet egress-router-net1 prerouting { type nat hook prerouting priority dstnat; policy accept; }
add chain inet egress-router-net1 destinations
add chain inet egress-router-net1 marks { type filter hook prerouting priority dstnat + 10; policy drop; }
add chain inet egress-router-net1 restore
add map inet egress-router-net1 ports_ip { type inet_proto . inet_service : ipv4_addr . inet_service; size 1; counter; }
add element inet egress-router-net1 ports_ip { tcp . 80 : 192.168.12.91 . 8080 }
add map inet egress-router-net1 ranges_ip { type inet_proto . inet_service : ipv4_addr; flags interval; counter; }
add element inet egress-router-net1 ranges_ip { udp . 8000-8100 : 192.168.12.92 }
add map inet egress-router-net1 ports_ip6 { type inet_proto . inet_service : ipv6_addr . inet_service; counter; }
add rule inet egress-router-net1 prerouting iifname != "net1" fib daddr type local jump destinations
add rule inet egress-router-net1 destinations ct mark set ct mark and 0x0000ffff or 0x0b2d0000
add rule inet egress-router-net1 destinations meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports_ip
add rule inet egress-router-net1 destinations meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @ports_ip6
add rule inet egress-router-net1 destinations meta nfproto ipv4 dnat ip to 192.168.12.93
add rule inet egress-router-net1 marks iifname "net1" ct direction reply ct mark and 0xffff0000 == 0x0b2d0000 meta mark set mark and 0x0000ffff or 0x0b2e0000
add rule inet egress-router-net1 marks oifname "net1" meta nfproto ipv6 drop
add rule inet egress-router-net1 restore return comment "net/ipv4/conf/eth0/forwarding=0"
"""

ELEMENTS = """delete element inet egress-router-net1 ports_ip { tcp . 80 }
add element inet egress-router-net1 ports_ip { tcp . 80 : 192.168.12.93 . 80 }
delete element inet egress-router-net1 ranges_ip { udp . 8000-8100 }
"""

VERDICTS = """create table inet egress
add counter inet egress held
add chain inet egress classify { type filter hook prerouting priority -90; policy accept; }
add chain inet egress object
add chain inet egress hold
add chain inet egress sources { type nat hook postrouting priority 99; policy accept; }
add set inet egress peers { type ipv4_addr; size 8; counter; }
add map inet egress pods { type ipv4_addr : verdict; size 8; counter; }
add element inet egress pods { 10.244.1.2 : goto object }
add map inet egress slots { type mark : verdict; size 8; counter; }
add element inet egress slots { 0x00100000 : accept }
add map inet egress snat_to { type ipv4_addr : ipv4_addr; size 8; counter; }
add element inet egress snat_to { 10.244.1.2 : 192.0.2.100 }
add rule inet egress classify ip saddr vmap @pods
add rule inet egress classify ip saddr != @peers drop
add rule inet egress object ct mark and 0xfff00000 vmap @slots
add rule inet egress object goto hold
add rule inet egress hold counter name "held" drop
add rule inet egress sources meta nfproto ipv4 ct mark 0 snat ip to ip saddr
add rule inet egress sources meta nfproto ipv4 snat ip to ip saddr map @snat_to
"""

CHANGES = """delete element inet egress pods { 10.244.1.2 }
add chain inet egress other
add rule inet egress other return
add element inet egress pods { 10.244.1.3 : jump other }
delete element inet egress slots { 0x00100000 }
add element inet egress slots { 0x00100000 : drop }
"""

RANGES = """create table inet egress
add chain inet egress sources { type filter hook prerouting priority raw; policy accept; }
add chain inet egress slots
add set inet egress inside4 { type ipv4_addr; flags interval; counter; elements = { 0.0.0.0/8, 192.0.2.11-192.0.2.13, 203.0.113.7, 224.0.0.0/3 } }
add set inet egress inside6 { type ipv6_addr; flags interval; counter; elements = { ::/8, fd00:2::11-fd00:2::13 } }
add map inet egress nodes { type ipv4_addr : verdict; flags interval; counter; elements = { 0.0.0.0/8 : drop, 10.244.1.0/24 : goto slots } }
add rule inet egress sources fib saddr . iif oif missing drop
add rule inet egress sources ip saddr @inside4 accept
add rule inet egress sources ct state & (invalid|new) == new meta mark set 0x00000011
add rule inet egress slots iifname "net1" oifname "net2" ct direction original ct mark set jhash ip saddr . ip daddr mod 4 seed 0x0b2d offset 256
add rule inet egress slots ct mark set 0x00000012
add rule inet egress slots meta mark set ct mark
add rule inet egress slots meta l4proto tcp tcp flags & (syn|rst) == syn tcp option maxseg size set 1360
"""

RANGE_CHANGES = """delete element inet egress inside4 { 192.0.2.11-192.0.2.13, 224.0.0.0/3 }
add element inet egress inside4 { 192.0.2.11-192.0.2.14 }
"""

# Connections that are translated, begin and end, without counters and times, and then with them.
EVENTS = """import socket, struct, subprocess
RULES = '''table inet egress {
    chain postrouting {
        type nat hook postrouting priority srcnat;
        ct mark set meta nfproto map { ipv4 : 0x00100000, ipv6 : 0x00200000 }
        ip daddr 127.0.0.1 snat ip to 127.0.0.9
        ip6 daddr ::1 meta l4proto udp snat ip6 to [::1]:9001-9001
    }
}'''
subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
NETLINK_NETFILTER, SOL_NETLINK, ADD_MEMBERSHIP, NEW, DESTROY = 12, 270, 1, 1, 3
events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
events.bind((0, 0))
for group in (NEW, DESTROY):
    events.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
for parameters in ((), ("acct", "timestamp")):
    for parameter in parameters:
        open(f"/proc/sys/net/netfilter/nf_conntrack_{parameter}", "w").write("1")
    for kind, address in ((socket.SOCK_STREAM, "127.0.0.1"), (socket.SOCK_DGRAM, "::1")):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, kind) as server, socket.socket(family, kind) as client:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((address, 443))
            client.bind((address, 45231))
            if kind == socket.SOCK_STREAM:
                server.listen()
            client.connect((address, 443))
            client.send(bytes(100))
        # IPCTNL_MSG_CT_DELETE without a tuple: all of them.
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as flush:
            flush.send(struct.pack("=IHHIIBBH", 20, 0x102, 5, 1, 0, 0, 0, 0))
            flush.recv(1024)
        events.recvmsg(65536)
        events.recvmsg(65536)
"""

# What nft or python3 reads, by file.
SCRIPTS = {
    "table-create": TABLE, "table-elements": ELEMENTS, "verdicts-create": VERDICTS, "verdicts-change": CHANGES,
    "ranges-create": RANGES, "ranges-change": RANGE_CHANGES, "connection-events": EVENTS,
}

# file, command, what is kept: "sent" or "received"
CAPTURES = [
    ("link-add-macvlan", f"ip link add link lan0 name net1 mtu 1400 group 17746 netns {POD} type macvlan mode bridge", "sent"),
    ("link-get", f"ip -n {POD} link show dev net1", "received"),
    # It is taken: the kernel refuses, and the link keeps its name.
    ("link-set-name", f"ip -n {POD} link set net1 name lo", "sent"),
    ("link-set-up", f"ip -n {POD} link set net1 up", "sent"),
    ("link-set-mtu", f"ip -n {POD} link set net1 mtu 1300", "sent"),
    ("link-set-address", f"ip -n {POD} link set net1 address 02:00:00:00:00:63", "sent"),
    ("address-add-ipv4", f"ip -n {POD} addr add 192.168.12.99/24 dev net1", "sent"),
    ("address-add-ipv6", f"ip -n {POD} addr add 2001:db8:12::99/64 dev net1 nodad", "sent"),
    ("address-list", f"ip -n {POD} addr show dev net1", "received"),
    ("route-add-gateway", f"ip -n {POD} route add 192.168.12.1 dev net1", "sent"),
    ("route-replace-default", f"ip -n {POD} route replace default via 192.168.12.1 dev net1", "sent"),
    ("route-add-table", f"ip -n {POD} route add default via 192.168.12.1 dev net1 onlink table 2861", "sent"),
    ("route-add-unreachable", f"ip -n {POD} route add unreachable default metric 4294967295 table 2861", "sent"),
    ("route-add-ipv6", f"ip -n {POD} -6 route add 2001:db8:91::/64 via 2001:db8:12::1 dev net1 metric 7", "sent"),
    ("route-list-main", f"ip -n {POD} route show table main", "received"),
    ("route-list-table", f"ip -n {POD} route show table 2861", "received"),
    ("route-list-ipv6", f"ip -n {POD} -6 route show table main", "received"),
    ("route-get", f"ip -n {POD} route get fibmatch 203.0.113.1", "received"),
    ("route-delete", f"ip -n {POD} route del unicast default via 192.168.12.1 dev net1 proto boot scope global", "sent"),
    ("rule-add-mark", f"ip -n {POD} rule add priority 1001 fwmark 0xb2d0000/0xffff0000 lookup 2861", "sent"),
    ("rule-add-suppress", f"ip -n {POD} rule add priority 1000 fwmark 0xb2e0000/0xffff0000 lookup main suppress_ifgroup 17746", "sent"),
    ("rule-list", f"ip -n {POD} rule show", "received"),
    ("error-with-text", f"ip -n {POD} route add 10.0.0.0/8 via 172.16.0.1", "received"),
    ("table-create", f"nsenter --net=/run/netns/{POD} nft -f -", "sent"),
    ("table-list", f"nsenter --net=/run/netns/{POD} nft list table inet egress-router-net1", "received"),
    ("table-elements", f"nsenter --net=/run/netns/{POD} nft -f -", "sent"),
    ("route-add-hops", f"ip -n {POD} route add default nexthop via 192.168.12.1 dev net1 nexthop via inet6 fe80::1 dev net1 weight 2", "sent"),
    ("route-get-hops", f"ip -n {POD} route get fibmatch 203.0.113.1", "received"),
    ("link-delete", f"ip -n {POD} link del net1", "sent"),
    ("link-add-vxlan", f"ip -n {POD} link add egress0 mtu 1464 type vxlan external gpe dstport 4790", "sent"),
    ("link-get-vxlan", f"ip -n {POD} link show dev egress0", "received"),
    (None, f"ip -n {POD} link set egress0 up", None),
    ("address-add-lifetime", f"ip -n {POD} addr add 192.0.2.100/32 dev egress0 preferred_lft 60 valid_lft 90", "sent"),
    ("address-replace", f"ip -n {POD} addr replace 2001:db8:2::100/128 dev egress0 nodad noprefixroute", "sent"),
    ("address-list-lifetime", f"ip -n {POD} addr show dev egress0", "received"),
    ("route-replace-tunnel",
     f"ip -n {POD} route replace default metric 5 table 7101 encap ip id 77 dst 192.0.2.12 src 192.0.2.11 ttl 64 dev egress0", "sent"),
    ("route-add-tunnel-ipv6", f"ip -n {POD} -6 route add fd00:244::2 table 7226 encap ip id 77 dst 192.0.2.12 ttl 64 dev egress0", "sent"),
    ("route-add-tunnel6",
     f"ip -n {POD} -6 route add fd00:244::3 table 7226 encap ip6 id 77 dst fd00:2::12 src fd00:2::11 hoplimit 64 dev egress0", "sent"),
    ("route-list-tunnel", f"ip -n {POD} route show table 7101", "received"),
    ("route-list-tunnel-ipv6", f"ip -n {POD} -6 route show table 7226", "received"),
    (None, f"nsenter --net=/run/netns/{POD} nft delete table inet egress-router-net1", None),
    ("verdicts-create", f"nsenter --net=/run/netns/{POD} nft -f -", "sent"),
    ("verdicts-list", f"nsenter --net=/run/netns/{POD} nft list table inet egress", "received"),
    ("verdicts-change", f"nsenter --net=/run/netns/{POD} nft -f -", "sent"),
    (None, f"nsenter --net=/run/netns/{POD} nft delete table inet egress", None),
    ("ranges-create", f"nsenter --net=/run/netns/{POD} nft -f -", "sent"),
    ("ranges-list", f"nsenter --net=/run/netns/{POD} nft list table inet egress", "received"),
    ("ranges-change", f"nsenter --net=/run/netns/{POD} nft -f -", "sent"),
    (None, f"nsenter --net=/run/netns/{POD} nft delete table inet egress", None),
    ("connection-events", f"nsenter --net=/run/netns/{POD} python3 -", "received"),
]

# The lengths of the headers of links, addresses, routes and rules, by message type.
HEADERS = {16: 16, 17: 16, 20: 8, 24: 12, 25: 12, 32: 12}

CALLS = {"sent": ("sendmsg", "sendto"), "received": ("recvmsg",)}


def capture(command, direction, script):
    log = f"/tmp/capture-{os.getpid()}"
    subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=sendmsg,sendto,recvmsg", "-e", "write=3,4,5", "-e", "read=3,4,5", "-s", "0", "-o", log, *command.split()],
        input=script, text=True, capture_output=True, check=False)
    datagrams, current, seen = [], None, set()
    for line in open(log, encoding="ascii"):
        call = re.search(r"(sendmsg|sendto|recvmsg)\((\d+), .*= (\d+)$", line)
        if call:
            # A first recvmsg with MSG_PEEK only asks for the length.
            current = bytearray() if call[1] in CALLS[direction] and "MSG_PEEK" not in line else None
            if current is not None:
                datagrams.append(current)
        elif line.startswith(" | ") and current is not None:
            current += bytes.fromhex(line[9:58].replace(" ", ""))
    os.unlink(log)
    return [datagram for datagram in datagrams if datagram and bytes(datagram) not in seen and not seen.add(bytes(datagram))]


def messages(datagram):
    """The messages of a datagram, without sequence and port numbers."""
    while len(datagram) >= 16:
        length = int.from_bytes(datagram[:4], "little")
        message, datagram = datagram[:length], datagram[(length + 3) & ~3:]
        message[8:16] = bytes(8)
        if int.from_bytes(message[4:6], "little") in HEADERS:
            zero_padding(message, 16 + HEADERS[int.from_bytes(message[4:6], "little")], length)
        yield bytes(message)


def zero_padding(message, at, end):
    """Zeroes the bytes between attributes, also in those that are marked as nested."""
    while at + 4 <= end:
        length = int.from_bytes(message[at:at + 2], "little")
        if length < 4:
            return
        after = min(at + ((length + 3) & ~3), end)
        message[at + length:after] = bytes(after - at - length)
        if message[at + 3] & 0x80:
            zero_padding(message, at + 4, at + length)
        at = after


def wanted(name, found):
    """Leaves out what a command says and hears besides: capability probes, look-ups of names, acknowledgements."""
    group = name.split("-")[0]
    types = {"link": {16, 17}, "address": {20}, "route": {24, 25}, "rule": {32}, "error": {2}}.get(group)
    for message in found:
        kind = int.from_bytes(message[4:6], "little")
        if types is not None and kind in types and not (kind == 16 and len(message) == 32 and message[20:24] == bytes(4)):
            yield message
        if types is None and kind >= 0x10 and kind != 0x0a0f and not (name in SCRIPTS and kind & 0xff in (1, 4, 7, 10, 13, 16, 19, 23) and kind > 0xff):
            yield message


def main():
    os.makedirs(FOLDER, exist_ok=True)
    run = lambda command: subprocess.run(command.split(), check=True)
    try:
        run(f"ip netns add {NODE}")
        run(f"ip netns add {POD}")
        run(f"ip -n {NODE} link add peer0 type veth peer name lan0")
        run(f"ip -n {NODE} link set lan0 up")
        run(f"ip -n {NODE} link set peer0 up")
        run(f"ip -n {POD} link set lo up")
        for name, command, direction in CAPTURES:
            if name is None:
                run(command)
                continue
            inside = f"nsenter --net=/run/netns/{NODE} {command}" if command.startswith("ip link add") else command
            found = [message for datagram in capture(inside, direction, SCRIPTS.get(name)) for message in messages(datagram)]
            shown = command.replace(f"-{os.getpid()}", "").replace("nsenter --net=/run/netns/capture-pod ", "").replace("-n capture-pod ", "")
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            with open(os.path.join(FOLDER, f"{name}.txt"), "w", encoding="ascii") as file:
                file.write(f"# {shown}\n")
                file.writelines(f"#   {line}\n" for line in SCRIPTS.get(name, "").splitlines())
                file.write(f"# {direction}; sequence and port numbers zeroed; an empty line ends each message\n")
                for message in wanted(name, found):
                    text = message.hex()
                    file.write("\n".join(text[i:i + 64] for i in range(0, len(text), 64)) + "\n\n")
    finally:
        for name in (NODE, POD):
            subprocess.run(["ip", "netns", "delete", name], check=False)


main()
