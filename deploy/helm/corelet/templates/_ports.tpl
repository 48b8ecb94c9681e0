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

{{- /* The ports of a local redirect policy. */ -}}
{{- define "corelet.redirectedPorts" -}}
- port: "53"
  name: {{ include "corelet.portName" (list . "udp") }}
  protocol: UDP
- port: "53"
  name: {{ include "corelet.portName" (list . "tcp") }}
  protocol: TCP
{{- end }}
