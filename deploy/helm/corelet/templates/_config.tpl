{{- /* ConfigMaps that pods read: the Corefile, custom files, plugins. `name` is that of the first, `annotations` may make them hooks. */ -}}
{{- define "corelet.configMaps" -}}
{{- $root := .root }}
{{- $head := dict "root" $root "annotations" .annotations }}
{{- include "corelet.configMapHead" (merge (dict "name" .name) $head) }}
data:
  Corefile: |
    {{- .corefile | nindent 4 }}
{{- with $root.Values.custom.files }}
---
{{ include "corelet.configMapHead" (merge (dict "name" (printf "%s-custom" $.name)) $head) }}
data:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.plugins.list }}
---
{{ include "corelet.configMapHead" (merge (dict "name" (printf "%s-plugins" $.name)) $head) }}
data:
  {{- toYaml (dict "plugin.cfg" .) | nindent 2 }}
  {{- with $root.Values.plugins.files }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "corelet.configMapHead" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "corelet.labels" .root | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* Folder of the Corefile that the server reads. An agent writes it, so there it is one to write to. */ -}}
{{- define "corelet.folder" -}}
{{- ternary "/run/corelet" "/etc/corelet/config" (eq (include "corelet.isAgent" .) "true") }}
{{- end }}

{{- /* Volumes of those ConfigMaps. `corefile` is the name of the file, `beside` puts plugin.cfg beside it. */ -}}
{{- define "corelet.configVolumes" -}}
{{- $root := .root }}
{{- $plugins := $root.Values.plugins.existingConfigMap | default (printf "%s-plugins" .name) }}
- name: config
  projected:
    sources:
      - configMap:
          name: {{ .name }}
          items:
            - key: Corefile
              path: {{ .corefile }}
      {{- if and .beside (include "corelet.hasPlugins" $root) }}
      - configMap:
          name: {{ $plugins }}
          items:
            - key: plugin.cfg
              path: plugin.cfg
      {{- end }}
{{- if include "corelet.hasCustom" $root }}
- name: custom
  projected:
    sources:
      {{- if $root.Values.custom.files }}
      - configMap:
          name: {{ .name }}-custom
      {{- end }}
      {{- with $root.Values.custom.existingConfigMap }}
      - configMap:
          name: {{ . }}
          optional: true
      {{- end }}
{{- end }}
{{- if include "corelet.hasPlugins" $root }}
- name: plugins
  configMap:
    name: {{ $plugins }}
{{- end }}
{{- end }}

{{- define "corelet.configMounts" -}}
{{- if include "corelet.hasCustom" . }}
- name: custom
  mountPath: /etc/corelet/custom
  readOnly: true
{{- end }}
{{- if include "corelet.hasPlugins" . }}
- name: plugins
  mountPath: /etc/corelet/plugins
  readOnly: true
{{- end }}
{{- end }}
