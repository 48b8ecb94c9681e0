{{- /* What a schema can't say. */ -}}
{{- define "corelet.validate" -}}
{{- $find := "kubectl --namespace kube-system get service kube-dns --output jsonpath={.spec.clusterIPs}" }}
{{- if and (include "corelet.onNode" .) (empty .Values.clusterDNS.addresses) }}
{{- fail (printf "clusterDNS.addresses: mode %s needs the address of the cluster's DNS Service. It is found with: %s" .Values.mode $find) }}
{{- end }}
{{- if and (eq .Values.mode "link-local") (empty .Values.localAddresses) }}
{{- fail "localAddresses: mode link-local serves these alone, so there must be one" }}
{{- end }}
{{- if and (eq .Values.mode "existing-link") (eq .Values.link.name "nodelocaldns") }}
{{- fail "link.name: mode existing-link needs the name of a link that is there, such as cbr0" }}
{{- end }}
{{- if and (eq .Values.mode "cilium") .Values.cilium.localRedirectPolicy.enabled (not .Values.cilium.localRedirectPolicy.address) (ne .Release.Namespace .Values.clusterDNS.namespace) }}
{{- fail (printf "a local redirect policy must be in the namespace of the Service: install the release into %s" .Values.clusterDNS.namespace) }}
{{- end }}
{{- range list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart" }}
{{- if or (hasKey $.Values.commonLabels .) (hasKey $.Values.podLabels .) }}
{{- fail (printf "commonLabels, podLabels: %s is a label of the chart's own" .) }}
{{- end }}
{{- end }}
{{- if and .Values.plugins.existingConfigMap (or .Values.plugins.list .Values.plugins.files) }}
{{- fail "plugins.existingConfigMap takes the place of plugins.list and plugins.files: give one or the other" }}
{{- end }}
{{- if and .Values.plugins.files (not .Values.plugins.list) }}
{{- fail "plugins.files: no plugin is used without plugins.list" }}
{{- end }}
{{- if and (not .Values.upstream.create) (not .Values.upstream.name) (not .Values.upstream.address) (ne .Values.mode "link-local") (not (include "corelet.asksApi" .)) }}
{{- fail "upstream: without create, name a Service or an address" }}
{{- end }}
{{- end }}
