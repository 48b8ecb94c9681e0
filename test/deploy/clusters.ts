/** What kubectl says of clusters of several kinds, as far as the scripts ask: `NAMESPACE NAME IP PORTS k8s-app app.kubernetes.io/name`. */
import type { Answers } from '../kit/kubectl.ts'

export interface Cluster {
  answers: Answers
  /** What is found out. */
  service: string
  ip: string
  domain: string
  mode: string
}

const KUBERNETES = 'default kubernetes 10.96.0.1 443 <none> <none>'
const COREFILE = (domain: string) => `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes ${domain} in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}`
const PROXY = (mode: string) => `apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
clusterCIDR: 10.244.0.0/16
ipvs:
  scheduler: ""
kind: KubeProxyConfiguration
metricsBindAddress: ""
mode: "${mode}"
nodePortAddresses: null`
/** Ports of the DNS Service, as PORT/PROTOCOL TARGET NAME. */
const PORTS = (udp: string, tcp = udp) => `53/UDP ${udp} dns\n53/TCP ${tcp} dns-tcp\n9153/TCP 9153 metrics`
const UPSTREAM = '{"k8s-app":"kube-dns"}'

const kubeadm = (mode: string): Answers => ({
  'get services*': `${KUBERNETES}\nkube-system kube-dns 10.96.0.10 53,53,9153 kube-dns <none>`,
  'get configmap coredns*': COREFILE('cluster.local'),
  'get configmap kube-proxy --*': PROXY(mode),
  '*{.spec.selector}': UPSTREAM,
  '*range .spec.ports*': PORTS('53'),
})

export const CLUSTERS: Readonly<Record<string, Cluster>> = {
  'kubeadm, kube-proxy with iptables': {
    answers: kubeadm(''),
    ...{ service: 'kube-system/kube-dns', ip: '10.96.0.10', domain: 'cluster.local', mode: 'iptables' },
  },
  'kubeadm, kube-proxy with IPVS': {
    answers: kubeadm('ipvs'),
    ...{ service: 'kube-system/kube-dns', ip: '10.96.0.10', domain: 'cluster.local', mode: 'ipvs' },
  },
  'kubeadm, kube-proxy with nftables, a domain of its own': {
    answers: { ...kubeadm('nftables'), 'get configmap coredns*': COREFILE('corp.example') },
    ...{ service: 'kube-system/kube-dns', ip: '10.96.0.10', domain: 'corp.example', mode: 'nftables' },
  },
  'k3s, kube-proxy within its process': {
    answers: {
      'get services*': `default kubernetes 10.43.0.1 443 <none> <none>\nkube-system kube-dns 10.43.0.10 53,53,9153 kube-dns CoreDNS\nkube-system metrics-server 10.43.1.7 443 <none> <none>`,
      'get configmap coredns*': COREFILE('cluster.local'),
      'get nodes*': '["server","--disable","traefik"]["agent"]',
      '*{.spec.selector}': UPSTREAM,
      '*range .spec.ports*': PORTS('53'),
    },
    ...{ service: 'kube-system/kube-dns', ip: '10.43.0.10', domain: 'cluster.local', mode: 'iptables' },
  },
  'rke2, with a Service of a long name and IPVS': {
    answers: {
      'get services*': `kube-system rke2-coredns-rke2-coredns 10.43.0.10 53,53 kube-dns rke2-coredns\nkube-system rke2-metrics-server 10.43.9.9 443 <none> rke2-metrics-server`,
      'get configmap rke2-coredns-rke2-coredns*': COREFILE('cluster.local'),
      'get nodes*': '["server","--kube-proxy-arg","proxy-mode=ipvs"]',
      '*{.spec.selector}':
        '{"app.kubernetes.io/instance":"rke2-coredns","app.kubernetes.io/name":"rke2-coredns","k8s-app":"kube-dns"}',
      '*range .spec.ports*': PORTS('udp-53', 'tcp-53'),
    },
    ...{ service: 'kube-system/rke2-coredns-rke2-coredns', ip: '10.43.0.10', domain: 'cluster.local', mode: 'ipvs' },
  },
  'EKS, with the configuration of kube-proxy in another place': {
    answers: {
      'get services*':
        'default kubernetes 172.20.0.1 443 <none> <none>\nkube-system kube-dns 172.20.0.10 53,53,9153 kube-dns <none>',
      'get configmap coredns*': COREFILE('cluster.local'),
      'get configmap kube-proxy-config*': PROXY('iptables'),
      'get configmap kube-proxy --*': '',
      '*{.spec.selector}': UPSTREAM,
      '*range .spec.ports*': PORTS('53'),
    },
    ...{ service: 'kube-system/kube-dns', ip: '172.20.0.10', domain: 'cluster.local', mode: 'iptables' },
  },
  'GKE, with kube-dns and kube-proxy as pods of the nodes': {
    answers: {
      'get services*':
        'default kubernetes 34.118.224.1 443 <none> <none>\nkube-system kube-dns 34.118.224.10 53,53 kube-dns <none>\nkube-system default-http-backend 34.118.230.7 80 glbc <none>',
      'get pods --namespace kube-system --selector component=kube-proxy*':
        '["/bin/sh","-c","kube-proxy --cluster-cidr=10.4.0.0/14 --v=2 1>>/var/log/kube-proxy.log 2>&1"]',
      '*{.spec.selector}': UPSTREAM,
      '*range .spec.ports*': PORTS('53'),
    },
    ...{ service: 'kube-system/kube-dns', ip: '34.118.224.10', domain: 'cluster.local', mode: 'iptables' },
  },
  'AKS, with kube-proxy as a DaemonSet that has arguments alone': {
    answers: {
      'get services*':
        'default kubernetes 10.0.0.1 443 <none> <none>\nkube-system kube-dns 10.0.0.10 53,53 kube-dns <none>\nkube-system metrics-server 10.0.77.1 443 <none> <none>',
      'get configmap coredns*': `${COREFILE('cluster.local').slice(0, -1)}    import custom/*.override\n}\nimport custom/*.server`,
      'get daemonset kube-proxy*':
        '["kube-proxy","--conntrack-max-per-core=0","--metrics-bind-address=0.0.0.0:10249","--kubeconfig=/var/lib/kubelet/kubeconfig","--cluster-cidr=10.244.0.0/16","--detect-local-mode=ClusterCIDR","--v=3"]',
      '*{.spec.selector}': UPSTREAM,
      '*range .spec.ports*': PORTS('53'),
    },
    ...{ service: 'kube-system/kube-dns', ip: '10.0.0.10', domain: 'cluster.local', mode: 'iptables' },
  },
  'a Service coredns in kube-proxy with nftables': {
    answers: {
      'get services*': `${KUBERNETES}\nkube-system coredns 10.96.0.10 53,53,9153 kube-dns coredns`,
      'get configmap coredns*': COREFILE('cluster.local'),
      'get configmap kube-proxy --*': PROXY('nftables'),
      '*{.spec.selector}':
        '{"app.kubernetes.io/instance":"coredns","app.kubernetes.io/name":"coredns","k8s-app":"coredns"}',
      '*range .spec.ports*': PORTS('53'),
    },
    ...{ service: 'kube-system/coredns', ip: '10.96.0.10', domain: 'cluster.local', mode: 'nftables' },
  },
  'Giant Swarm, with a Service coredns and pods that listen on port 1053': {
    answers: {
      'get services*': 'kube-system coredns 172.31.0.10 53,53,9153 coredns coredns-app',
      'get configmap coredns*': COREFILE('cluster.local'),
      'get configmap kube-proxy --*': PROXY('iptables'),
      '*{.spec.selector}': '{"k8s-app":"coredns"}',
      '*range .spec.ports*': PORTS('1053'),
    },
    ...{ service: 'kube-system/coredns', ip: '172.31.0.10', domain: 'cluster.local', mode: 'iptables' },
  },
}

/** Cilium instead of kube-proxy, with local redirect policies. */
export const CILIUM: Answers = {
  'get services*': 'kube-system kube-dns 10.96.0.10 53,53,9153 kube-dns <none>',
  'get configmap cilium-config*kube-proxy-replacement*': 'true',
  'get configmap cilium-config*enable-local-redirect-policy*': 'true',
  'get configmap coredns*': COREFILE('cluster.local'),
}
