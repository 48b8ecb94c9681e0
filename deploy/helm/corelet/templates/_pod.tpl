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
  automountServiceAccountToken: {{ not (empty (include "corelet.rules" . | trim)) }}
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
