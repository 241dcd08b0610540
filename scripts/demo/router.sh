# Part of scripts/demo.sh: what all modes of an egress router need. $config is the configuration.
#
#    client                    pod                          node (parent link lan0)       lan
#    10.129.2.1 ---- eth0 10.129.2.31/23
#                    net1 192.168.12.99/24 ---- macvlan ---- 192.168.12.10/24 ---- 192.168.12.1   the gateway
#                                                                                  192.168.12.91  the destination
#
# The client connects to the pod; the destination must see 192.168.12.99, the reserved address.
plugin=$PWD/out/egress-router
tools=$PWD/out/egress-routerctl
node=demo-node-$$ pod=demo-pod-$$ client=demo-client-$$ lan=demo-lan-$$

# --- A node, a pod with its cluster interface eth0, a client on the pod network, and the outside --------------
for namespace in $node $pod $client $lan; do
    make_namespace "$namespace"
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
