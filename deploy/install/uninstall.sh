#!/bin/sh
# Takes the DNS cache off every node, and proves on each that no address, link or rule is left.
set -eu

usage() {
  cat <<'TEXT'
Usage: uninstall.sh [--dry-run] [--yes] [--image IMAGE]

  --dry-run  say what would be removed
  --yes      do not ask
  --image    image that looks at the nodes

KUBECTL names the command that talks to the cluster.
TEXT
}

folder=$(dirname "$0")
# shellcheck source=deploy/install/common.sh
. "$folder/common.sh"

dry_run=0 yes=0
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=1 ;;
    --yes) yes=1 ;;
    --help | -h) usage && exit 0 ;;
    --image)
      [ $# -gt 1 ] || fail "$1 needs a value" 2
      IMAGE=$2
      shift
      ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done

nodes=$($KUBECTL get nodes --no-headers --selector kubernetes.io/os=linux -o custom-columns='NAME:.metadata.name') || fail 'the cluster does not answer'
args=$($KUBECTL get daemonset "$AGENT" --namespace "$NAMESPACE" --ignore-not-found -o 'jsonpath={.spec.template.spec.containers[0].args}')
local_ips=$(printf '%s' "$args" | sed -n 's/.*"--\{0,1\}localip[=",]\{1,\}\([^"]*\)".*/\1/p')
found=$(find_service)
# shellcheck disable=SC2086
set -- $found
service_ip=${3-}

others=$(find_others)
[ -z "$others" ] || fail "there are other caches, whose addresses and rules would be taken away beneath them: remove $others first (helm uninstall, if it is the chart's)"

echo 'Found:'
row "$AGENT" "${local_ips:-not installed}"
row nodes "$(printf '%s\n' "$nodes" | grep -c .)"
echo 'Will:'
row delete "daemonset, configmap, services and serviceaccount of $AGENT in $NAMESPACE"
row run "corelet uninstall on every node"
case $local_ips in
  '' | *,*) ;;
  *) row 'and you' "must have set clusterDNS of every kubelet back to ${service_ip:-the address of the cluster DNS}: pods that ask $local_ips alone get no answers" ;;
esac
[ "$dry_run" = 0 ] || exit 0
confirm

# The agents first, and to their end: each gives queries back to kube-proxy before it goes.
$KUBECTL delete "daemonset/$AGENT" --namespace "$NAMESPACE" --ignore-not-found --wait --timeout=5m
$KUBECTL wait --for=delete pod --selector "k8s-app=$AGENT" --namespace "$NAMESPACE" --timeout=5m
$KUBECTL delete "configmap/$AGENT" "service/$AGENT" "service/$UPSTREAM" "serviceaccount/$AGENT" --namespace "$NAMESPACE" --ignore-not-found

# Looks from within the network of a node, wherever pods may be scheduled or not.  NODE POD
uninstall_on() {
  node=$1 pod=$2
  set -- uninstall
  [ -z "$local_ips" ] || set -- "$@" -localip "$local_ips"
  run_pod "$pod" "\"nodeName\":\"$node\",\"hostNetwork\":true,\"tolerations\":[{\"operator\":\"Exists\"}]" \
    '"securityContext":{"runAsUser":0,"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"],"add":["NET_ADMIN","NET_RAW"]}}' \
    "$@" </dev/null
}

echo 'Looking at each node:'
wrong=0 number=0
while read -r node; do
  [ -n "$node" ] || continue
  number=$((number + 1))
  if report=$(uninstall_on "$node" "corelet-uninstall-$$-$number" 2>&1); then
    row "$node" 'nothing is left'
  else
    row "$node" 'something is LEFT:' && printf '%s\n' "$report" && wrong=1
  fi
done <<LIST
$nodes
LIST
if [ -n "$service_ip" ]; then
  if ask_from_pod "$service_ip"; then row 'from a pod' "$service_ip answers"; else wrong=1 && row 'from a pod' "$service_ip does NOT answer"; fi
fi
[ "$wrong" = 0 ] || fail 'not everything could be taken back; run this again, it changes only what is left'
