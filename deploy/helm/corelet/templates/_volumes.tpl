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
