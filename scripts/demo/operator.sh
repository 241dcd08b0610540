# Part of scripts/demo.sh: an EgressRouter object, and what the controller makes of it. The demo itself stands in for the Deployment
# controller, the scheduler, the kubelet and Multus: it makes the pod, and runs the plugin with the configuration that was rendered.
. scripts/demo/apiserver.sh
object=packaging/egressrouter/example.yaml
start_apiserver packaging/operator/crds/egressrouters.yaml testdata/kubernetes/network-attachment-definitions.yaml
start controller out/egress-operator controller --egress-ip=false --port 0 --router-image registry.example.com/pause:3.10
wait_for 20 grep -q ' leads$' "$folder/controller.log"

say "The API server is $apiserver. kubectl apply -f $object"
cat $object
kube apply -f $object

made() { kube_succeeds get network-attachment-definition,service,deployment er; }
wait_for 10 made
say "What the controller has made of it"
kube get network-attachment-definition,service,deployment -l app.kubernetes.io/managed-by=egress-operator -o name

say "Its status, while there is no pod"
conditions() { kube get egressrouter er -o 'jsonpath={range .status.conditions[*]}{.type} {.status}: {.reason} {.message}{"\n"}{end}'; }
has_conditions() { conditions | grep Progressing >/dev/null; }
wait_for 10 has_conditions
conditions

config=$folder/rendered.json
kube get network-attachment-definition er -o 'jsonpath={.spec.config}' >"$config"
. scripts/demo/router.sh

nsenter --net="/run/netns/$lan" \
    socat TCP4-LISTEN:5432,bind=192.168.12.91,reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR' &

say "ADD, as Multus calls it for the pod of the Deployment"
result=$(cni ADD <"$config") || { echo "$result" >&2; exit 1; }
echo "$result"
# with_status STATUS: an object on standard input as JSON, with this status. Only so can this kubectl write one.
with_status() { sed "s/\"status\": {}/\"status\": $1/"; }
cat >"$folder/pod.json" <<'POD'
{
  "apiVersion": "v1", "kind": "Pod",
  "metadata": {
    "name": "er-demo", "namespace": "default",
    "labels": { "app": "er", "app.kubernetes.io/instance": "er", "app.kubernetes.io/managed-by": "egress-operator" },
    "annotations": {
      "k8s.v1.cni.cncf.io/network-status": "[{\"name\": \"default/er\", \"interface\": \"net1\", \"ips\": [\"192.168.12.99\"]}]"
    }
  },
  "spec": { "containers": [{ "name": "er", "image": "registry.example.com/pause:3.10" }] },
  "status": {}
}
POD
kube create -f "$folder/pod.json" >"$folder/kube.log"
with_status '{ "phase": "Running", "podIP": "10.129.2.31", "conditions": [{ "type": "Ready", "status": "True" }] }' <"$folder/pod.json" |
    kube replace --raw /api/v1/namespaces/default/pods/er-demo/status -f - >"$folder/kube.log"
kube get deployment er -o json >"$folder/deployment.json"
grep -q '"status": {}' "$folder/deployment.json" || fail "the Deployment has a status already"
with_status '{ "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1 }' \
    <"$folder/deployment.json" | kube replace --raw /apis/apps/v1/namespaces/default/deployments/er/status -f - >"$folder/kube.log"

say "Its status, when the pod runs"
available() { conditions | grep '^Available True' >/dev/null; }
wait_for 10 available
conditions
kube get egressrouter

say "The client connects to the pod, 10.129.2.31. Who does the destination see?"
seen=$(inside "$client" socat -t 3 - TCP4:10.129.2.31:5432,connect-timeout=3 </dev/null || true)
echo "TCP, port 5432: ${seen:-no answer}"
[ "$seen" = 192.168.12.99 ] || fail "the destination should have seen 192.168.12.99"

say "Somebody scales the Deployment to 3, and deletes the Service: the controller puts both back"
kube patch deployment er -p '{"spec": {"replicas": 3}}'
kube delete service er
is_back() { made && [ "$(kube get deployment er -o 'jsonpath={.spec.replicas}')" = 1 ]; }
wait_for 10 is_back
restored() { kube get events -o 'jsonpath={range .items[?(@.reason=="Restored")]}{.message}{"\n"}{end}'; }
told_twice() { [ "$(restored | wc -l)" -eq 2 ]; }
wait_for 10 told_twice
restored

say "kubectl delete egressrouter er"
kube delete egressrouter er
kube delete pod er-demo --grace-period=0 --force 2>"$folder/kube.log"
cni DEL <"$config"
if [ -x "$assets/kube-apiserver" ]; then
    echo "What is left belongs to it; the garbage collector of a cluster, which this API server is without, deletes it:"
    kube get network-attachment-definition,service,deployment -A \
        -o 'jsonpath={range .items[?(@.metadata.ownerReferences[0].kind=="EgressRouter")]}{.kind} {.metadata.name}{"\n"}{end}'
else
    gone() { [ -z "$(kube get network-attachment-definition,service,deployment -o name)" ]; }
    wait_for 10 gone
    echo "Nothing is left of it."
fi

say "Done: of one object a router was made, and the destination saw 192.168.12.99, the reserved address"
