{{- /* Parts of an endpoint of the Prometheus operator. The node is a label, as in the dashboards of others. */ -}}
{{- define "corelet.relabelings" -}}
- sourceLabels: [__meta_kubernetes_pod_node_name]
  targetLabel: node
{{- with .relabelings }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "corelet.scrapeOptions" -}}
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
