# Part of scripts/demo.sh: squid in the pod asks from the reserved address.

# --- The outside: a server that answers with the source address it sees, and a DNS server --------------------------
folder=$(mktemp -d)
trap 'clean_up; rm -rf "$folder"' EXIT
cat >"$folder/page" <<'PAGE'
#!/bin/sh
read -r request
printf 'HTTP/1.0 200 OK\r\n\r\n%s\n' "$SOCAT_PEERADDR"
PAGE
chmod 755 "$folder/page"
nsenter --net="/run/netns/$lan" socat TCP4-LISTEN:80,bind=192.168.12.91,reuseaddr,fork "EXEC:$folder/page" &
echo "192.168.12.91 www.example.com www.example.net" >"$folder/hosts"
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

say "egress-router http-proxy: becomes squid, with this list"
list='# the first line that fits decides
!www.example.net
*.example.com 80 443'
echo "$list"
EGRESS_HTTP_PROXY_DESTINATION=$list in_container "$plugin" http-proxy --directory "$folder/run" &
for _ in $(seq 100); do
    in_container "$plugin" proxy-health --directory "$folder/run" http-proxy >/dev/null 2>&1 && break
    sleep 0.1
done
say "proxy-health, as a readiness probe asks it"
in_container "$plugin" proxy-health --directory "$folder/run" http-proxy

get() { inside "$client" curl --silent --max-time 5 --proxy http://10.129.2.31:8080 "$@"; }
say "The client asks the proxy, 10.129.2.31:8080, for http://www.example.com/. Who does the server see?"
seen=$(get --fail http://www.example.com/ || true)
echo "${seen:-no answer}"
say "And for http://www.example.net/, which the list denies"
status=$(get --output /dev/null --write-out '%{http_code}' http://www.example.net/ || true)
echo "${status:-no answer}"
if [ "$seen" != 192.168.12.99 ] || [ "$status" != 403 ]; then
    echo "demo: FAILED: the server should have seen 192.168.12.99, and the other name should have been denied" >&2
    exit 1
fi

say "Done: the server saw 192.168.12.99, the reserved address"
