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
