# shellcheck shell=sh
# What install.sh and uninstall.sh share: asking a cluster, saying what was found, pods that look from inside.

NAMESPACE=kube-system
AGENT=node-local-dns
UPSTREAM=kube-dns-upstream
: "${KUBECTL:=kubectl}"
: "${IMAGE:=ghcr.io/corelet/corelet:0.1.0-node}"

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit "${2:-1}"
}

row() { printf '  %-12s %s\n' "$1" "$2"; }

# Asks for a yes unless it was given; without a terminal to ask at, it has to be.
confirm() {
  [ "${yes-}" = 1 ] && return
  [ -t 0 ] || fail 'not at a terminal: give --yes to go on, or --dry-run to see more' 2
  printf 'Go on? [y/N] '
  read -r answer
  case $answer in y | Y | yes) ;; *) fail 'nothing was changed' ;; esac
}

# DNS Service as "NAMESPACE NAME ADDRESS PORTS": by its usual names first, then by the usual labels. The way past the cache is none.
find_service() {
  services=$($KUBECTL get services --all-namespaces --no-headers -o custom-columns='NAMESPACE:.metadata.namespace,NAME:.metadata.name,IP:.spec.clusterIP,PORTS:.spec.ports[*].port,APP:.metadata.labels.k8s-app,CHART:.metadata.labels.app\.kubernetes\.io/name') ||
    fail 'the cluster does not answer'
  printf '%s\n' "$services" | awk -v upstream="$UPSTREAM" -v agent="$AGENT" '
    $3 == "None" || $2 == upstream || $2 == agent || $2 ~ /-upstream$|uncached/ { next }
    ("," $4 ",") !~ /,53,/ { next }
    $1 == "kube-system" && $2 == "kube-dns" { best[1] = $0 }
    $1 == "kube-system" && $2 == "coredns" { best[2] = $0 }
    $1 == "kube-system" && $2 == "rke2-coredns-rke2-coredns" { best[3] = $0 }
    $5 == "kube-dns" && !(4 in best) { best[4] = $0 }
    ($5 == "coredns" || $6 == "coredns") && !(5 in best) { best[5] = $0 }
    END { for (i = 1; i <= 5; i++) if (i in best) { split(best[i], f); print f[1], f[2], f[3], f[4]; exit } }'
}

# Caches of nodes by other names, as "NAMESPACE/NAME …": DaemonSets with the flag that all of them have.
find_others() {
  $KUBECTL get daemonsets --all-namespaces --no-headers -o custom-columns='NAMESPACE:.metadata.namespace,NAME:.metadata.name,ARGS:.spec.template.spec.containers[*].args' |
    awk -v own="$NAMESPACE/$AGENT" '/-localip/ && $1 "/" $2 != own { print $1 "/" $2 }' | paste -sd ' ' -
}

# Runs corelet in a pod and says what it said. Its status is the command's.  NAME SPEC CONTAINER COMMAND...
# SPEC and CONTAINER are fields of both, in JSON.
run_pod() {
  pod=$1 spec=$2 container=$3
  shift 3
  command='"/usr/bin/corelet"'
  for word in "$@"; do command="$command,\"$word\""; done
  $KUBECTL run "$pod" --namespace "$NAMESPACE" --image "$IMAGE" --restart=Never --rm --attach --quiet --pod-running-timeout=2m \
    --overrides "{\"spec\":{$spec,\"automountServiceAccountToken\":false,\"containers\":[{\"name\":\"$pod\",\"image\":\"$IMAGE\",\"command\":[$command],$container}]}}"
}

# Asks an address from an ordinary pod, one that every policy lets in.  ADDRESS
ask_from_pod() {
  run_pod "corelet-verify-$$" \
    '"securityContext":{"runAsNonRoot":true,"runAsUser":65532,"runAsGroup":65532,"seccompProfile":{"type":"RuntimeDefault"}}' \
    '"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}}' \
    health "$1" </dev/null
}
