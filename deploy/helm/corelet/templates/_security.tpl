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
