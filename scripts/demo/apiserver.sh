# Part of scripts/demo.sh: an API server, the real one if `make test-apiserver` has built it, else that of the tests.
# start_apiserver FILE...: starts it, and applies the objects in the files; $KUBECONFIG is how to reach it. start_own_apiserver always
# starts that of the tests.
assets=${KUBEBUILDER_ASSETS:-$PWD/out/apiserver}
export KUBECONFIG=$folder/kubeconfig LC_ALL=C
kubectl=$(command -v kubectl || echo "$assets/kubectl")

fail() {
    progress
    tail -n 5 "$folder"/*.log >&2
    echo "demo: FAILED: $*" >&2
    exit 1
}
wait_for() { # wait_for SECONDS COMMAND...: until it succeeds
    local end=$((SECONDS + $1)) round=0
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "this did not come true: $*"
        waiting $((round += 1)) "$*"
        sleep 0.2
    done
    progress
}
start() { # start NAME COMMAND...: in the background, with a log
    local log=$folder/$1.log
    shift
    "$@" >"$log" 2>&1 &
}
# It keeps a cache in the home folder.
kube() { HOME=$folder timeout --kill-after=2 30 "$kubectl" "$@"; }
kube_succeeds() { kube "$@" >"$folder/kube.log" 2>&1; }

start_own_apiserver() {
    apiserver="the tests' API server"
    # A process of .NET that is killed leaves files for debuggers in /tmp.
    start api env DOTNET_EnableDiagnostics=0 dotnet tests/ApiServer/bin/Release/net10.0/ApiServer.dll 0 "$KUBECONFIG" "$@"
    wait_for 20 grep -q '^http' "$folder/api.log"
}
start_apiserver() {
    if [ ! -x "$assets/kube-apiserver" ]; then
        start_own_apiserver "$@"
        return
    fi

    apiserver="kube-apiserver $("$assets/kube-apiserver" --version | cut -d' ' -f2)"
    local port key=$folder/accounts.key
    port=$(free_port)
    (umask 077 && openssl genrsa -out "$key" 2048 2>"$folder/openssl.log")
    echo 'demo,admin,admin,system:masters' >"$folder/tokens.csv"
    (cd "$folder" && exec "$assets/etcd" --data-dir etcd --listen-client-urls unix://client:1 --advertise-client-urls unix://client:1 \
        --listen-peer-urls unix://peer:1 --initial-advertise-peer-urls unix://peer:1 --initial-cluster default=unix://peer:1) \
        >"$folder/etcd.log" 2>&1 &
    (cd "$folder" && exec "$assets/kube-apiserver" --etcd-servers=unix://client:1 --bind-address=127.0.0.1 --secure-port="$port" \
        --advertise-address=127.0.0.1 --endpoint-reconciler-type=none --service-cluster-ip-range=10.96.0.0/24 --cert-dir=certificates \
        --token-auth-file=tokens.csv --authorization-mode=RBAC --disable-admission-plugins=ServiceAccount \
        --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$key" \
        --service-account-signing-key-file="$key") >"$folder/api.log" 2>&1 &
    wait_for 30 [ -s "$folder/certificates/apiserver.crt" ]
    # The second certificate in the file is that of the authority.
    cat >"$KUBECONFIG" <<CONFIG
apiVersion: v1
kind: Config
current-context: demo
contexts: [{ name: demo, context: { cluster: demo, user: demo } }]
users: [{ name: demo, user: { token: demo } }]
clusters:
  - name: demo
    cluster:
      server: https://127.0.0.1:$port
      certificate-authority-data: $(awk '/BEGIN/ { n++ } n == 2' "$folder/certificates/apiserver.crt" | base64 -w0)
CONFIG
    wait_for 60 kube_succeeds get --raw /readyz
    local file
    for file in "$@"; do kube apply -f "$file" >>"$folder/kube.log"; done
    kube wait --for=condition=Established --timeout=30s crd --all >>"$folder/kube.log"
}

# A port that nothing listens on now.
free_port() {
    local port
    for port in $(seq 20000 20100); do
        [ -n "$(ss -Hltn "sport = :$port")" ] || { echo "$port" && return; }
    done
}
