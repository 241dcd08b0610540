# Part of scripts/demo.sh: squid in the pod sends requests from the reserved address.

hosts="192.168.12.91 www.example.com www.example.net"
. scripts/demo/proxies.sh

# --- The outside: a server that answers with the source address it sees ------------------------------------------
cat >"$folder/page" <<'PAGE'
#!/bin/sh
read -r request
printf 'HTTP/1.0 200 OK\r\n\r\n%s\n' "$SOCAT_PEERADDR"
PAGE
chmod 755 "$folder/page"
nsenter --net="/run/netns/$lan" socat TCP4-LISTEN:80,bind=192.168.12.91,reuseaddr,fork "EXEC:$folder/page" &

say "egress-routerctl http-proxy: becomes squid, with this list"
list='# the first line that fits decides
!www.example.net
*.example.com 80 443'
echo "$list"
EGRESS_HTTP_PROXY_DESTINATION=$list in_container "$tools" http-proxy --directory "$folder/run" &
healthy() { in_container "$tools" proxy-health --directory "$folder/run" http-proxy; }
quietly() { "$@" >/dev/null 2>&1; }
try 100 0.1 squid quietly healthy
say "proxy-health, as a readiness probe asks it"
healthy

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
