{{- define "corelet.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "corelet.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 51 | trimSuffix "-" }}
{{- else if contains (include "corelet.name" .) .Release.Name }}
{{- .Release.Name | trunc 51 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "corelet.name" .) | trunc 51 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "corelet.selectorLabels" -}}
app.kubernetes.io/name: {{ include "corelet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ ternary "server" "node" (eq .Values.mode "cluster") }}
{{- end }}

{{- define "corelet.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "corelet.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- if not (hasKey .Values.commonLabels "app.kubernetes.io/part-of") }}
app.kubernetes.io/part-of: corelet
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Not empty in the modes whose pods are in the network of the node. */ -}}
{{- define "corelet.onNode" -}}
{{- if has .Values.mode (list "node-local" "link-local" "existing-link") }}true{{ end }}
{{- end }}

{{- /* Not empty where the pods are agents: a DaemonSet that makes its Corefile from a template. */ -}}
{{- define "corelet.isAgent" -}}
{{- if ne .Values.mode "cluster" }}true{{ end }}
{{- end }}

{{- /* Not empty where the names of the cluster come from the Kubernetes API. */ -}}
{{- define "corelet.asksApi" -}}
{{- if and (eq .Values.mode "cluster") .Values.kubernetes.enabled }}true{{ end }}
{{- end }}

{{- /* What the pods may ask of the Kubernetes API. */ -}}
{{- define "corelet.rules" -}}
{{- if include "corelet.asksApi" . }}
- apiGroups: [""]
  resources: [services, namespaces{{ if eq .Values.kubernetes.pods "verified" }}, pods{{ end }}]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- end }}
{{- with .Values.rbac.rules }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "corelet.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "corelet.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "corelet.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- $tag := ternary (printf "%s-node" .Chart.AppVersion) .Chart.AppVersion (eq (include "corelet.onNode" .) "true") }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default $tag) }}
{{- end }}
{{- end }}

{{- /* Addresses that an agent serves, with commas between them. */ -}}
{{- define "corelet.addresses" -}}
{{- if eq .Values.mode "cilium" }}$(POD_IPS)
{{- else if eq .Values.mode "link-local" }}{{ join "," .Values.localAddresses }}
{{- else }}{{ concat .Values.localAddresses .Values.clusterDNS.addresses | join "," }}
{{- end }}
{{- end }}

{{- define "corelet.firstAddress" -}}
{{- include "corelet.addresses" . | splitList "," | first }}
{{- end }}

{{- /* The address of the node that /health is served on. That of the Service may be kube-proxy's for all ports but 53. */ -}}
{{- define "corelet.healthHost" -}}
{{- first .Values.localAddresses | default "127.0.0.1" }}
{{- end }}

{{- define "corelet.metricsPort" -}}
{{- .Values.metrics.port | default (ternary 9153 9253 (eq .Values.mode "cluster")) | int }}
{{- end }}

{{- /* HOST:PORT with brackets around an IPv6 address. */ -}}
{{- define "corelet.hostPort" -}}
{{- if contains ":" .host }}[{{ .host }}]:{{ .port }}{{ else }}{{ .host }}:{{ .port }}{{ end }}
{{- end }}

{{- /* Name of the Service that leads past the cache; empty where an address is asked. */ -}}
{{- define "corelet.upstreamService" -}}
{{- if not (or .Values.upstream.address (eq .Values.mode "link-local") (include "corelet.asksApi" .)) }}
{{- .Values.upstream.name | default (printf "%s-upstream" (include "corelet.fullname" .)) }}
{{- end }}
{{- end }}

{{- /* Address of the cluster's DNS that is asked in place of a Service. */ -}}
{{- define "corelet.upstreamAddress" -}}
{{- if .Values.upstream.address }}{{ .Values.upstream.address }}
{{- else if eq .Values.mode "link-local" }}{{ first .Values.clusterDNS.addresses }}
{{- end }}
{{- end }}

{{- /* The variable by which Kubernetes tells the address of that Service. */ -}}
{{- define "corelet.upstreamVariable" -}}
{{- with include "corelet.upstreamService" . }}{{ include "corelet.addressVariable" . }}{{ end }}
{{- end }}

{{- /* The variable of a Service, by its name. */ -}}
{{- define "corelet.addressVariable" -}}
{{- printf "%s_SERVICE_HOST" (upper . | replace "-" "_") }}
{{- end }}

{{- /* Name of the Service of mode `cluster`. */ -}}
{{- define "corelet.serviceName" -}}
{{- .Values.service.name | default (include "corelet.fullname" .) }}
{{- end }}
