# Part of scripts/demo.sh: two router pods, of which one holds the address. The demo itself stands in for the Deployment controller, the
# kubelet and Multus (it makes the pods, runs the plugin, and starts containers again), and for kube-proxy.
#
#    client (10.129.2.1)         pod a  on node a               lan                           server
#    connects to the Service --- eth0 10.129.2.31
#                        |       net1 ---- macvlan --- lan0 -----+-- 192.168.12.1 gateway --- 192.168.12.91
#                        |                                       |
#                        |       pod b  on node b                |
#                        +------ eth0 10.129.2.32                |
#                                net1 ---- macvlan --- lan0 -----+
#
# net1 of one of the pods has 192.168.12.99. The server must see no other address.
manifest=packaging/pair/pair.yaml
definitions=testdata/kubernetes/network-attachment-definitions.yaml
shared=192.168.12.99
plugin=$PWD/out/egress-router
. scripts/demo/apiserver.sh

netns() { echo "demo-$1-$$"; } # netns NAME: the namespace of a pod, a node or a host
pod_ip() { if [ "$1" = a ]; then echo 10.129.2.31; else echo 10.129.2.32; fi; }
other() { if [ "$1" = a ]; then echo b; else echo a; fi; }

# --- The egress network with a gateway and a server that tells the source address; the cluster network with a client ------------
client=$(netns client) lan=$(netns lan) server=$(netns server)
for name in client lan server node-a node-b pod-a pod-b; do make_namespace "$(netns $name)"; done
inside "$lan" ip -batch - <<COMMANDS
	link add lan address 02:00:00:00:00:01 type bridge
	link add server type veth peer name eth0 netns $server
	address add 192.168.12.1/24 dev lan
	link set lan up
	link set server master lan up
COMMANDS
inside "$server" ip -batch - <<'COMMANDS'
	address add 192.168.12.91/24 dev eth0
	link set eth0 up
COMMANDS
inside "$client" ip -batch - <<'COMMANDS'
	link add cluster type bridge
	address add 10.129.2.1/23 dev cluster
	link set cluster up
	route add 10.96.0.0/24 dev cluster
COMMANDS
for i in a b; do
    node=$(netns node-$i) pod=$(netns pod-$i)
    inside "$lan" ip link add node-$i type veth peer name lan0 netns "$node"
    inside "$lan" ip link set node-$i master lan up
    inside "$node" ip link set lan0 up
    inside "$client" ip link add pod-$i type veth peer name eth0 netns "$pod"
    inside "$client" ip link set pod-$i master cluster up
    inside "$pod" ip -batch - <<COMMANDS
	address add $(pod_ip $i)/23 dev eth0
	link set eth0 up
	route add default via 10.129.2.1
COMMANDS
done
cat >"$folder/answer" <<ANSWER
#!/bin/sh
echo "\$SOCAT_PEERADDR" >>"$folder/seen"
echo "\$SOCAT_PEERADDR"
ANSWER
chmod 755 "$folder/answer"
nsenter --net="/run/netns/$server" socat TCP4-LISTEN:5432,reuseaddr,fork,backlog=100 "EXEC:$folder/answer" &

# --- The objects -------------------------------------------------------------------------------------------------
checks_rights="" least="Kubernetes v1.21" # has version v1 of EndpointSlices
if [ -x "$assets/kube-apiserver" ] && printf '%s\n' "$least" "$("$assets/kube-apiserver" --version)" | sort -V -C; then
    checks_rights=yes
fi
account=$KUBECONFIG
if [ -n "$checks_rights" ]; then start_apiserver $definitions; else start_own_apiserver $definitions; fi
say "The API server is $apiserver. kubectl apply -f $manifest"
kube apply -f $manifest
if [ -n "$checks_rights" ]; then
    echo "Both pods use the ServiceAccount er, which may do what its Role allows."
    account=$folder/account
    request='{ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 3600 } }'
    token=$(kube create --raw /api/v1/namespaces/default/serviceaccounts/er/token -f - <<<"$request" |
        sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
    (umask 077 && sed "s/token: demo/token: $token/" "$KUBECONFIG" >"$account")
fi
for i in a b; do
    pod="{ \"apiVersion\": \"v1\", \"kind\": \"Pod\",
        \"metadata\": { \"name\": \"er-$i\", \"namespace\": \"default\", \"labels\": { \"app\": \"er\" } },
        \"spec\": { \"nodeName\": \"node-$i\", \"containers\": [{ \"name\": \"er\", \"image\": \"registry.example.com/pause:3.10\" }] }"
    kube create -f - <<<"$pod }" >"$folder/kube.log"
    status="{ \"phase\": \"Running\", \"podIP\": \"$(pod_ip $i)\", \"podIPs\": [{ \"ip\": \"$(pod_ip $i)\" }] }"
    kube replace --raw /api/v1/namespaces/default/pods/er-$i/status -f - <<<"$pod, \"status\": $status }" >"$folder/kube.log"
done

config=$folder/network.json
kube get network-attachment-definition er -o 'jsonpath={.spec.config}' >"$config"
say "ADD in both pods, as Multus calls it, with the configuration of the manifest"
cat "$config" && echo
for i in a b; do
    inside "$(netns node-$i)" env -i CNI_COMMAND=ADD CNI_CONTAINERID=demo-$i CNI_NETNS="/run/netns/$(netns pod-$i)" CNI_IFNAME=net1 \
        CNI_PATH="$(dirname "$plugin")" "$plugin" <"$config" >"$folder/result.json" || { cat "$folder/result.json" >&2 && exit 1; }
done

# --- The container "hold" of both pods ---------------------------------------------------------------------------
kube get deployment er -o 'jsonpath={range .spec.template.spec.containers[?(@.name=="hold")].args[*]}{@}{"\n"}{end}' |
    sed "s|/etc/egress-pair|$folder|" >"$folder/arguments"
mapfile -t arguments <"$folder/arguments"
(umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$folder/key")
declare -A process
start_hold() { # start_hold POD: a or b
    start "er-$1" out/egress-operator "${arguments[@]}" --pod "er-$1" --namespace default --kubeconfig "$account" \
        --netns "/run/netns/$(netns "pod-$1")" --port 0
    process[$1]=$!
}
is_ready() { # is_ready POD: as the kubelet asks. "grep -q" would end the pipe early, and with it fail what writes to it.
    local port
    port=$(sed -n 's/.* starts, port //p' "$folder/er-$1.log")
    [ -n "$port" ] && printf 'GET /readyz HTTP/1.0\r\n\r\n' | timeout 2 socat -t 2 - "TCP4:127.0.0.1:$port" 2>&1 | grep '^HTTP/1.1 200' >/dev/null
}
holds() { inside "$(netns "pod-$1")" ip -o address show dev net1 | grep -F " $shared/" >/dev/null; } # holds POD
holder() { for i in a b; do ! holds $i || echo $i; done; }
endpoint() { kube get endpointslice er-ipv4 -o 'jsonpath={.endpoints[0].addresses[0]}' 2>"$folder/kube.log"; }
serves() { holds "$1" && [ "$(endpoint)" = "$(pod_ip "$1")" ]; } # serves POD
one_serves() { serves a || serves b; }
start_hold a
start_hold b
wait_for 20 one_serves
wait_for 20 is_ready a
wait_for 20 is_ready b
say "egress-operator hold runs in both pods. Who holds $shared?"
for i in a b; do out/egress-routerctl status --netns "/run/netns/$(netns pod-$i)"; done
kube get lease er
kube get endpointslice er-ipv4

# --- kube-proxy: the Service's address is translated to that of its endpoint --------------------------------------
service=$(kube get service er -o 'jsonpath={.spec.clusterIP}')
service=${service:-10.96.0.50} # the tests' API server gives it none
mkfifo "$folder/slices"
HOME=$folder "$kubectl" get endpointslices -l kubernetes.io/service-name=er --watch \
    -o 'jsonpath={.endpoints[0].addresses[0]}:{.ports[0].port}{"\n"}' >"$folder/slices" 2>"$folder/watch.log" &
while read -r to; do
    inside "$client" nft -f - <<RULES
table ip services {
    chain output { type nat hook output priority -100; }
}
flush chain ip services output
add rule ip services output ip daddr $service tcp dport 5432 dnat to $to
RULES
done <"$folder/slices" &
is_translated() { inside "$client" nft list ruleset | grep ' dnat to ' >/dev/null; }
wait_for 10 is_translated

# --- A client that connects again and again, and needs an answer within a second -------------------------------
mkdir "$folder/attempts"
mkfifo "$folder/pace"
nsenter --net="/run/netns/$client" bash -c '
    exec 3<>"$0/pace" # To wait for a line that never comes needs no process, as sleep does.
    until [ -e "$0/end" ]; do
        timeout 1 socat -u "TCP4:$1:5432" - >"$0/attempts/$EPOCHREALTIME" 2>/dev/null &
        read -r -t 0.02 <&3
    done
    wait' "$folder" "$service" &
polling=$!
answered_since() { # answered_since TIME COUNT
    local file count=0
    for file in "$folder"/attempts/*; do
        [[ ! -s $file || ${file##*/} < $1 ]] || count=$((count + 1))
    done
    [ $count -ge "$2" ]
}
summary() { # summary TIME: what the client saw, from a second before that time on
    local file seen
    for file in "$folder"/attempts/*; do
        seen=
        [ ! -s "$file" ] || read -r seen <"$file"
        echo "${file##*/} $seen"
    done | awk -v event="$1" '
        $1 < event - 1 { next }
        { time[++count] = $1 - event; works[count] = NF > 1 }
        NF > 1 {
            if (last && time[count] - time[last] > time[end] - time[begin]) { begin = last; end = count }
            last = count
        }
        END {
            for (i = 1; i <= last; i++) { part = i <= begin ? 1 : i < end ? 2 : 3; works[i] ? good[part]++ : bad[part]++ }
            printf "%5.2f to %.2f s: %d connections worked, %d failed\n", time[1], time[begin], good[1], bad[1]
            printf "%5.2f to %.2f s: none worked, %d failed: a gap of %.2f s\n", time[begin], time[end], bad[2], time[end] - time[begin]
            printf "%5.2f to %.2f s: %d connections worked, %d failed\n", time[end], time[last], good[3], bad[3]
        }'
}
fail_over() { # fail_over SIGNAL
    local lost new event since
    lost=$(holder)
    new=$(other "$lost")
    since=$EPOCHREALTIME
    wait_for 10 answered_since "$since" 50
    event=$EPOCHREALTIME
    kill -s "$1" "${process[$lost]}"
    wait "${process[$lost]}" 2>/dev/null || true
    wait_for 15 serves "$new"
    since=$EPOCHREALTIME
    wait_for 15 answered_since "$since" 50
    echo "er-$new has $shared, and is the endpoint. The client, in seconds from the signal:"
    summary "$event" | tee "$folder/summary-$1"
    echo "The log of er-$new:"
    tail -n 4 "$folder/er-$new.log"
    start_hold "$lost" # as the kubelet does
    wait_for 20 is_ready "$lost"
}
say "A client connects to the Service, $service:5432, again and again. Failover: the holder is killed (SIGKILL)," \
    "and its kernel removes the address within a second"
fail_over KILL
say "Failover: the holder is asked to end (SIGTERM), as when its node is drained"
fail_over TERM
touch "$folder/end"
wait $polling

say "Every source address that the server saw, and how often"
sort "$folder/seen" | uniq -c
[ "$(sort -u "$folder/seen")" = $shared ] || fail "the server should have seen only $shared"
gaps=$(sed -n 's/.*: a gap of \(.*\) s$/\1/p' "$folder/summary-KILL" "$folder/summary-TERM" | xargs)
[ "$(wc -w <<<"$gaps")" -eq 2 ] && awk '{ exit !($1 < 5 && $2 < 5) }' <<<"$gaps" || fail "gaps of $gaps s: they should be shorter than 5 s"
say "Done: the server saw $shared, and no other address. No new connection worked for ${gaps% *} s after SIGKILL, and for" \
    "${gaps#* } s after SIGTERM"
