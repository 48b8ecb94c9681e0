#!/bin/sh
# Installs corelet as the DNS cache of every node: looks at the cluster, says what it will do, does it, and proves that it works.
set -eu

usage() {
  cat <<'TEXT'
Usage: install.sh [--dry-run] [--yes] [--mode MODE] [--service-ip IP] [--domain DOMAIN] [--local-ip IP] [--image IMAGE] [--manifest FILE] [--keep-corefile]

  --dry-run        say what was found and print what would be applied
  --yes            do not ask
  --mode           iptables, nftables or ipvs, as kube-proxy has it; found out when left out
  --service-ip     address of the Service of the cluster's DNS; found out
  --domain         domain of the cluster; found out
  --local-ip       further address of the cache on each node (169.254.20.10)
  --image          image of the agent
  --keep-corefile  leave the ConfigMap node-local-dns as it is
  --manifest       template to apply, with the variables of node-local-dns

KUBECTL names the command that talks to the cluster.
TEXT
}

folder=$(dirname "$0")
# shellcheck source=deploy/install/common.sh
. "$folder/common.sh"

dry_run=0 yes=0 keep=0 mode='' service_ip='' domain='' local_ip=169.254.20.10 manifest=$folder/../manifests/node-local-dns.yaml
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=1 ;;
    --yes) yes=1 ;;
    --keep-corefile) keep=1 ;;
    --help | -h) usage && exit 0 ;;
    --mode | --service-ip | --domain | --local-ip | --image | --manifest)
      [ $# -gt 1 ] || fail "$1 needs a value" 2
      case $1 in
        --mode) mode=$2 ;;
        --service-ip) service_ip=$2 ;;
        --domain) domain=$2 ;;
        --local-ip) local_ip=$2 ;;
        --image) IMAGE=$2 ;;
        --manifest) manifest=$2 ;;
      esac
      shift
      ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
for value in "$service_ip" "$domain" "$local_ip"; do
  case $value in *[!0-9A-Za-z.:-]*) fail "no address or domain: $value" 2 ;; esac
done
case $IMAGE in *[!0-9A-Za-z./:@_-]*) fail "no image: $IMAGE" 2 ;; esac

# A value of a ConfigMap; empty when there is none.  NAME KEY
config() { $KUBECTL get configmap "$1" --namespace "$NAMESPACE" --ignore-not-found -o "jsonpath={.data['$2']}" 2>/dev/null || true; }

find_domain() {
  for name in "$service" coredns; do
    config "$name" Corefile | sed -n 's/^[[:space:]]*kubernetes[[:space:]]\{1,\}\([a-z0-9][a-z0-9.-]*\).*/\1/p' | head -n 1
  done
  config kubeadm-config ClusterConfiguration | sed -n 's/^[[:space:]]*dnsDomain:[[:space:]]*"\{0,1\}\([^"[:space:]]*\).*/\1/p'
  printf 'cluster.local\n'
}

# Mode of kube-proxy, from wherever this kind of cluster has it, one per line; empty text means the default.
find_modes() {
  case $(config cilium-config kube-proxy-replacement) in true | strict) echo cilium && return ;; esac
  for key in kube-proxy/config.conf kube-proxy-config/config; do
    config "${key%%/*}" "${key##*/}" | sed -n 's/^mode:[[:space:]]*"\{0,1\}\([a-z]*\).*/\1/p' | sed 's/^$/iptables/'
  done
  {
    $KUBECTL get daemonset kube-proxy --namespace "$NAMESPACE" --ignore-not-found -o 'jsonpath={.spec.template.spec.containers[*].command}{.spec.template.spec.containers[*].args}'
    $KUBECTL get pods --namespace "$NAMESPACE" --selector component=kube-proxy -o 'jsonpath={.items[*].spec.containers[*].command}'
    # k3s and rke2 have kube-proxy within their own process
    $KUBECTL get nodes -o 'jsonpath={.items[*].metadata.annotations.k3s\.io/node-args}{.items[*].metadata.annotations.rke2\.io/node-args}'
  } 2>/dev/null | awk '
    match($0, /proxy-mode=[a-z]+/) { print substr($0, RSTART + 11, RLENGTH - 11); found = 1 }
    /kube-proxy|k3s|server|agent/ { seen = 1 }
    END { if (seen && !found) print "iptables" }'
}

found=$(find_service)
[ -n "$found" ] || [ -n "$service_ip" ] || fail 'no Service of the cluster DNS was found; name its address with --service-ip'
# shellcheck disable=SC2086
set -- ${found:-"$NAMESPACE" kube-dns "$service_ip" 53}
service_namespace=$1 service=$2
[ -n "$service_ip" ] || service_ip=$3
[ -n "$domain" ] || domain=$(find_domain | head -n 1)
[ -n "$mode" ] || mode=$(find_modes | head -n 1)
selector=$($KUBECTL get service "$service" --namespace "$service_namespace" --ignore-not-found -o 'jsonpath={.spec.selector}')
ports=$($KUBECTL get service "$service" --namespace "$service_namespace" --ignore-not-found -o 'jsonpath={range .spec.ports[*]}{.port}/{.protocol} {.targetPort} {.name}{"\n"}{end}')
present=$($KUBECTL get daemonset "$AGENT" --namespace "$NAMESPACE" --ignore-not-found -o 'jsonpath={.spec.template.spec.containers[0].image}')
others=$(find_others)
corefile=$(config "$AGENT" Corefile)
managed=$($KUBECTL get daemonset "$AGENT" --namespace "$NAMESPACE" --ignore-not-found -o 'jsonpath={.metadata.labels.addonmanager\.kubernetes\.io/mode}')

# The port of the DNS pods, by number or name.  PROTOCOL
target() { printf '%s\n' "$ports" | awk -v port="53/$1" '$1 == port { found = $2 } END { print found == "" ? 53 : found }'; }

# What installs the chart here.
helm_command() {
  printf 'helm upgrade --install corelet %s --namespace %s --set mode=cilium --set clusterDomain=%s --set clusterDNS.service=%s --set clusterDNS.namespace=%s' \
    "$folder/../helm/corelet" "$service_namespace" "$domain" "$service" "$service_namespace"
  case $selector in '' | '{"k8s-app":"kube-dns"}') ;; *) printf " --set-json 'upstream.selector=%s'" "$selector" ;; esac
  for protocol in UDP TCP; do
    name=$(printf '%s\n' "$ports" | awk -v port="53/$protocol" '$1 == port { print $3 }')
    case $protocol/$name in */ | UDP/dns | TCP/dns-tcp) ;; UDP/*) printf ' --set cilium.localRedirectPolicy.portNames.udp=%s' "$name" ;; *) printf ' --set cilium.localRedirectPolicy.portNames.tcp=%s' "$name" ;; esac
  done
  case $(target UDP) in 53) ;; *[!0-9]*) ;; *) printf ' --set upstream.targetPort=%s' "$(target UDP)" ;; esac
}

case $mode in
  iptables | nftables) addresses="$local_ip and $service_ip" ;;
  ipvs) addresses=$local_ip ;;
  cilium)
    [ "$(config cilium-config enable-local-redirect-policy)" = true ] || hint=' (turn on enable-local-redirect-policy in cilium-config first)'
    fail "Cilium stands in for kube-proxy here, so queries are led by a local redirect policy, which comes with the Helm chart:${hint-}
  $(helm_command)" ;;
  '') fail 'the mode of kube-proxy was not found; name it with --mode' ;;
  *) fail "no mode: $mode" 2 ;;
esac
[ "$service_namespace" = "$NAMESPACE" ] ||
  fail "the cluster's DNS is in $service_namespace, and the way past the cache leads only to pods beside it: use the Helm chart in that namespace"
[ "$managed" != Reconcile ] || fail "$AGENT belongs to the cluster's addon manager, which would put it back: turn that add-on off first"
[ -r "$manifest" ] || fail "no template: $manifest"

# The Service that leads past the cache has the selector of the cluster's DNS, whatever that is called.
upstream_service() {
  printf -- '---\napiVersion: v1\nkind: Service\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  selector: %s\n  ports:\n' "$UPSTREAM" "$NAMESPACE" "$selector"
  for protocol in UDP TCP; do
    name=dns
    [ "$protocol" = UDP ] || name=dns-tcp
    printf '    - name: %s\n      port: 53\n      protocol: %s\n      targetPort: %s\n' "$name" "$protocol" "$(target "$protocol")"
  done
}

# Leaves the ConfigMap out, if that is to stay.
keep_corefile() {
  [ "$keep" = 1 ] || { cat && return; }
  awk 'function flush() { if (!skip) printf "%s", text; text = ""; skip = 0 }
    /^---/ { flush() }
    $0 == "kind: ConfigMap" { skip = 1 }
    { text = text $0 "\n" }
    END { flush() }'
}

render() {
  if [ "$mode" = ipvs ]; then
    set -- -e "s/,[[:space:]]*__PILLAR__DNS__SERVER__//g" -e "s/__PILLAR__DNS__SERVER__//g" -e "s/__PILLAR__CLUSTER__DNS__/$service_ip/g"
  else
    set -- -e "s/__PILLAR__DNS__SERVER__/$service_ip/g"
  fi
  sed -e "s/__PILLAR__LOCAL__DNS__/$local_ip/g" -e "s/__PILLAR__DNS__DOMAIN__/$domain/g" "$@" \
    -e "s|^\([[:space:]-]*image:\).*|\1 $IMAGE|" "$manifest" | keep_corefile
  case $selector/$(target UDP)/$(target TCP) in /* | '{"k8s-app":"kube-dns"}/53/53') ;; *) upstream_service ;; esac
}

echo 'Found:'
row 'cluster DNS' "$service_namespace/$service, $service_ip"
row domain "$domain"
row kube-proxy "$mode"
row "$AGENT" "${present:-not installed}"
[ -z "$others" ] || row 'other caches' "$others"
echo 'Will:'
row apply "$manifest with $IMAGE"
[ -z "$corefile" ] || [ "$keep" = 1 ] || row replace "the Corefile in the ConfigMap $AGENT, unless you say --keep-corefile"
row listen "on $addresses, on every node"
[ "$mode" != ipvs ] || row 'and you' "then set clusterDNS of every kubelet to $local_ip; new pods use the cache from then on"
[ -z "$others" ] || row 'and you' "then remove $others: until that, both answer"

if [ "$dry_run" = 1 ]; then
  render
  exit 0
fi
confirm
render | $KUBECTL apply -f -
$KUBECTL rollout status "daemonset/$AGENT" --namespace "$NAMESPACE" --timeout=10m

echo 'Verifying each node:'
wrong=0
agents=$($KUBECTL get pods --namespace "$NAMESPACE" --selector "k8s-app=$AGENT" --no-headers -o custom-columns='NAME:.metadata.name,NODE:.spec.nodeName')
while read -r pod node; do
  [ -n "$pod" ] || continue
  if report=$($KUBECTL exec "$pod" --namespace "$NAMESPACE" -- /usr/bin/corelet status </dev/null 2>&1); then
    row "$node" 'queries are answered by the agent'
  else
    row "$node" 'they are NOT:' && printf '%s\n' "$report" && wrong=1
  fi
done <<LIST
$agents
LIST
checked=$service_ip
[ "$mode" != ipvs ] || checked=$local_ip
if ask_from_pod "$checked"; then row 'from a pod' "$checked answers"; else wrong=1 && row 'from a pod' "$checked does NOT answer"; fi
[ "$wrong" = 0 ] || fail "something does not work; $folder/uninstall.sh takes everything back"
