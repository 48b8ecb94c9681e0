{{- /* The pod of a DaemonSet or Deployment, from its metadata on. */ -}}
{{- define "corelet.pod" -}}
metadata:
  labels:
    {{- include "corelet.selectorLabels" . | nindent 4 }}
    {{- with merge (dict) .Values.podLabels .Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: corelet
    {{- if .Values.metrics.annotations }}
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ include "corelet.metricsPort" . | quote }}
    {{- end }}
    {{- if and .Values.plugins.list (include "corelet.isAgent" .) }}
    # a file that is mounted by itself does not change in a running pod
    corelet/plugins: {{ sha256sum .Values.plugins.list }}
    {{- end }}
    {{- if .Values.restartOnChange }}
    corelet/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "corelet.serviceAccountName" . }}
  automountServiceAccountToken: {{ not (empty .Values.rbac.rules) }}
  enableServiceLinks: true
  {{- if include "corelet.onNode" . }}
  # It has addresses and rules of the node.
  hostNetwork: true
  {{- end }}
  # The resolvers of the node: those of the cluster lead back here.
  dnsPolicy: Default
  priorityClassName: {{ .Values.priorityClassName | default (ternary "system-cluster-critical" "system-node-critical" (eq .Values.mode "cluster")) }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "corelet.podSecurityContext" . | trim | nindent 4 }}
  {{- include "corelet.scheduling" . | nindent 2 }}
  containers:
    - name: corelet
      image: {{ include "corelet.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        {{- include "corelet.args" . | nindent 8 }}
      env:
        {{- include "corelet.env" . | nindent 8 }}
      {{- if not (include "corelet.onNode" .) }}
      ports:
        {{- include "corelet.ports" . | nindent 8 }}
      {{- end }}
      {{- include "corelet.probes" . | trim | nindent 6 }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "corelet.securityContext" . | nindent 8 }}
      volumeMounts:
        {{- include "corelet.mounts" . | nindent 8 }}
  volumes:
    {{- include "corelet.volumes" . | trim | nindent 4 }}
{{- end }}

{{- define "corelet.scheduling" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
tolerations:
{{- if and (include "corelet.isAgent" .) (empty .Values.tolerations) }}
  - operator: Exists
{{- else }}
  {{- include "corelet.ownTolerations" . | nindent 2 }}
{{- end }}
{{- if .Values.affinity }}
affinity:
  {{- toYaml .Values.affinity | nindent 2 }}
{{- else if eq .Values.mode "cluster" }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "corelet.selectorLabels" . | nindent 14 }}
{{- end }}
{{- if eq .Values.mode "cluster" }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml . | nindent 4 | trim }}
    labelSelector:
      matchLabels:
        {{- include "corelet.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Of pods that may go to any node: not to one that is not ready, as an agent does. */ -}}
{{- define "corelet.ownTolerations" -}}
{{- if .Values.tolerations }}
{{- toYaml .Values.tolerations }}
{{- else -}}
- key: CriticalAddonsOnly
  operator: Exists
- key: node-role.kubernetes.io/control-plane
  operator: Exists
  effect: NoSchedule
{{- end }}
{{- end }}

{{- define "corelet.args" -}}
- -conf
- {{ include "corelet.folder" . }}/Corefile
{{- if include "corelet.isAgent" . }}
{{- include "corelet.agentArgs" . }}
{{- else }}
- -supervise
{{- end }}
{{- if eq .Values.mode "cilium" }}
- -setupinterface=false
- -setupiptables=false
- -skipteardown=true
{{- else if include "corelet.onNode" . }}
{{- include "corelet.nodeArgs" . }}
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* What every agent is told. */ -}}
{{- define "corelet.agentArgs" }}
- -localip
- {{ include "corelet.addresses" . | quote }}
- -basecorefile
- /etc/corelet/config/Corefile.base
- -pidfile
- {{ include "corelet.folder" . }}/corelet.pid
- -upstreamsvc
- {{ include "corelet.upstreamAddress" . | default (include "corelet.upstreamService" .) | quote }}
- -prometheus-listen-address
- {{ include "corelet.metricsAddress" . | quote }}
- -metrics-listen-address
{{- if .Values.metrics.agentPort }}
- {{ include "corelet.hostPort" (dict "host" (.Values.metrics.host | default "0.0.0.0") "port" (int .Values.metrics.agentPort)) | quote }}
{{- else }}
- none
{{- end }}
{{- if ne (int .Values.health.port) 8080 }}
- -health-port
- {{ .Values.health.port | quote }}
{{- end }}
{{- if include "corelet.hasCustom" . }}
- -custom-corefiles
- /etc/corelet/custom
{{- end }}
{{- end }}

{{- /* What an agent is told of link and rules, where that is not its default. */ -}}
{{- define "corelet.nodeArgs" }}
{{- $agent := .Values.agent }}
{{- $flags := list
  (list "-interfacename" .Values.link.name "nodelocaldns")
  (list "-link-type" (ternary "existing" .Values.link.type (eq .Values.mode "existing-link")) "auto")
  (list "-interception" $agent.interception "auto")
  (list "-rule-position" $agent.rulePosition "insert")
  (list "-syncinterval" $agent.syncInterval "60s")
  (list "-probe-interval" $agent.probeInterval "1s")
  (list "-probe-failures" (toString (int $agent.probeFailures)) "3")
}}
{{- range $flags }}
{{- if ne (index . 1) (index . 2) }}
- {{ index . 0 }}
- {{ index . 1 | quote }}
{{- end }}
{{- end }}
{{- if not $agent.hostTraffic }}
- -host-traffic=false
{{- end }}
{{- if $agent.skipTeardown }}
- -skipteardown=true
{{- end }}
{{- end }}

{{- define "corelet.env" -}}
- name: HOST_IP
  valueFrom:
    fieldRef:
      fieldPath: status.hostIP
{{- if eq .Values.mode "cilium" }}
- name: POD_IPS
  valueFrom:
    fieldRef:
      fieldPath: status.podIPs
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* None on nodes: each would be a port of the node, which the next pod could not have beside the last one. */ -}}
{{- define "corelet.ports" -}}
- name: {{ include "corelet.portName" (list . "udp") }}
  containerPort: 53
  protocol: UDP
- name: {{ include "corelet.portName" (list . "tcp") }}
  containerPort: 53
  protocol: TCP
{{- range .Values.service.extraPorts }}
- name: {{ .name }}
  containerPort: {{ .port }}
  protocol: {{ .protocol | default "TCP" }}
{{- end }}
- name: metrics
  containerPort: {{ include "corelet.metricsPort" . }}
  protocol: TCP
- name: health
  containerPort: {{ .Values.health.port }}
  protocol: TCP
- name: ready
  containerPort: {{ .Values.ready.port }}
  protocol: TCP
{{- end }}

{{- define "corelet.probes" -}}
{{- if include "corelet.onNode" . }}
# Another pod may answer on the same ports: the file says that this one serves.
startupProbe:
  exec:
    command: [/usr/bin/corelet, health, --pidfile, {{ include "corelet.folder" . }}/corelet.pid, {{ include "corelet.firstAddress" . | quote }}]
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
{{- else }}
readinessProbe:
  httpGet:
    path: /ready
    port: {{ .Values.ready.port }}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}
{{- with .Values.livenessProbe }}
{{- if .enabled }}
livenessProbe:
  {{- if eq .type "http" }}
  httpGet:
    {{- if include "corelet.onNode" $ }}
    host: {{ include "corelet.healthHost" $ | quote }}
    {{- end }}
    path: /health
    port: {{ $.Values.health.port }}
  {{- else if include "corelet.onNode" $ }}
  exec:
    command: [/usr/bin/corelet, health, {{ include "corelet.firstAddress" $ | quote }}]
  {{- else if eq $.Values.mode "cilium" }}
  # which finds out the addresses of the pod
  exec:
    command: [/usr/bin/corelet, status]
  {{- else }}
  exec:
    command: [/usr/bin/corelet, health]
  {{- end }}
  periodSeconds: {{ .periodSeconds }}
  timeoutSeconds: {{ .timeoutSeconds }}
  failureThreshold: {{ .failureThreshold }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Of the port for DNS: Cilium looks for the name that the Service's port has. */ -}}
{{- define "corelet.portName" -}}
{{- $values := (index . 0).Values }}
{{- $protocol := index . 1 }}
{{- if and (eq $values.mode "cilium") (not $values.cilium.localRedirectPolicy.address) }}
{{- get $values.cilium.localRedirectPolicy.portNames $protocol }}
{{- else }}
{{- get (dict "udp" "dns" "tcp" "dns-tcp") $protocol }}
{{- end }}
{{- end }}

{{- define "corelet.podSecurityContext" -}}
{{- if .Values.podSecurityContext }}
{{- toYaml .Values.podSecurityContext }}
{{- else }}
{{- if not (include "corelet.onNode" .) -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
sysctls:
  - name: net.ipv4.ip_unprivileged_port_start
    value: "0"
{{ end -}}
seccompProfile:
  type: RuntimeDefault
{{- end }}
{{- end }}

{{- define "corelet.securityContext" -}}
{{- if .Values.securityContext }}
{{- toYaml .Values.securityContext }}
{{- else -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
{{- if include "corelet.onNode" . }}
# Capabilities that a pod adds reach this user only.
runAsUser: 0
{{- end }}
capabilities:
  drop: [ALL]
  {{- if not (include "corelet.onNode" .) }}
  add: [NET_BIND_SERVICE]
  {{- else if include "corelet.usesLegacy" . }}
  # NET_RAW is for iptables of the legacy kind
  add: [NET_ADMIN, NET_BIND_SERVICE, NET_RAW]
  {{- else }}
  add: [NET_ADMIN, NET_BIND_SERVICE]
  {{- end }}
{{- end }}
{{- end }}

{{- define "corelet.usesLegacy" -}}
{{- if has .Values.agent.interception (list "auto" "iptables" "iptables-legacy") }}true{{ end }}
{{- end }}

{{- define "corelet.mounts" -}}
- name: config
  mountPath: /etc/corelet/config
  readOnly: true
{{- include "corelet.configMounts" . }}
{{- if include "corelet.isAgent" . }}
- name: run
  mountPath: /run/corelet
{{- if include "corelet.hasPlugins" . }}
- name: plugins
  mountPath: /run/corelet/plugin.cfg
  subPath: plugin.cfg
  readOnly: true
{{- end }}
{{- with .Values.kubeDnsConfigMap }}
- name: kube-dns
  mountPath: /etc/kube-dns
  readOnly: true
{{- end }}
{{- end }}
- name: tmp
  mountPath: /tmp
{{- if include "corelet.locksHost" . }}
# the lock that iptables takes is the node's
- name: xtables-lock
  mountPath: /run/xtables.lock
{{- end }}
{{- if .Values.nodeResolvConf }}
- name: resolv-conf
  mountPath: /etc/resolv.conf
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Not empty where iptables may be used. */ -}}
{{- define "corelet.locksHost" -}}
{{- if and (include "corelet.onNode" .) (not (has .Values.agent.interception (list "nftables" "none"))) }}true{{ end }}
{{- end }}

{{- define "corelet.volumes" -}}
{{- $isAgent := include "corelet.isAgent" . }}
{{- include "corelet.configVolumes" (dict "root" . "name" (include "corelet.fullname" .) "corefile" (ternary "Corefile.base" "Corefile" (eq $isAgent "true")) "beside" (not $isAgent)) }}
{{- if $isAgent }}
- name: run
  emptyDir: {}
{{- with .Values.kubeDnsConfigMap }}
- name: kube-dns
  configMap:
    name: {{ . }}
    optional: true
{{- end }}
{{- end }}
- name: tmp
  emptyDir: {}
{{- if include "corelet.locksHost" . }}
- name: xtables-lock
  hostPath:
    path: /run/xtables.lock
    type: FileOrCreate
{{- end }}
{{- with .Values.nodeResolvConf }}
- name: resolv-conf
  hostPath:
    path: {{ . }}
    type: File
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Security contexts, of pod and container, of what only asks. */ -}}
{{- define "corelet.unprivileged" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "corelet.powerless" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
