# Part of scripts/demo/http-proxy.sh and dns-proxy.sh: an outside DNS server that knows the names of $hosts, and a pod
# whose net1 redirects nothing.
config=$PWD/cni-conf-examples/source-address-only.json
. scripts/demo/router.sh

echo "$hosts" >"$folder/hosts"
nsenter --net="/run/netns/$lan" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
    --addn-hosts="$folder/hosts" --listen-address=192.168.12.1 --bind-interfaces --pid-file= --user=root &
echo "nameserver 192.168.12.1" >"$folder/resolv.conf"
mkdir "$folder/run"
chmod 755 "$folder"
chown 65534 "$folder/run"

in_container() { # in_container COMMAND...: in the pod, as an ordinary user without any capability
    nsenter --net="/run/netns/$pod" unshare --mount sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$folder/resolv.conf" \
        setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
}

say "ADD: the pod gets net1, and redirects nothing"
cni ADD <"$config"
