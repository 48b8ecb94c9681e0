{{- /*
The Corefile. `form` is `agent`, a template with the variables that the agent of a node fills in, or `file`, which a server reads as it is.
*/ -}}
{{- define "corelet.corefile" -}}
{{- $root := .root }}
{{- $form := .form }}
{{- if $root.Values.corefile }}
{{- $root.Values.corefile | trim }}
{{- else }}
{{- $blocks := list }}
{{- range $key, $zone := $root.Values.zones }}
{{- if and (kindIs "map" $zone) (ne (toString $zone.enabled) "false") }}
{{- $first := empty $blocks }}
{{- $blocks = append $blocks (include "corelet.block" (dict "root" $root "form" $form "key" $key "zone" $zone "first" $first) | trim) }}
{{- end }}
{{- end }}
{{- join "\n" $blocks }}
{{- if and (eq $form "file") (include "corelet.hasCustom" $root) }}
import /etc/corelet/custom/*.server
{{- end }}
{{- end }}
{{- end }}

{{- define "corelet.hasCustom" -}}
{{- if or .Values.custom.files .Values.custom.existingConfigMap }}true{{ end }}
{{- end }}

{{- define "corelet.hasPlugins" -}}
{{- if or .Values.plugins.list .Values.plugins.existingConfigMap }}true{{ end }}
{{- end }}

{{- /* A block: its settings are those of the zone, and of zoneDefaults where it has none. */ -}}
{{- define "corelet.block" -}}
{{- $root := .root }}
{{- $key := .key }}
{{- $settings := dict }}
{{- $cache := dict }}
{{- $plugins := dict }}
{{- range $from := list $root.Values.zoneDefaults .zone }}
{{- range $name, $value := $from }}{{- $_ := set $settings $name $value }}{{- end }}
{{- range $name, $value := $from.cache | default dict }}{{- $_ := set $cache $name $value }}{{- end }}
{{- end }}
{{- include "corelet.ownPlugins" (dict "root" $root "form" .form "settings" $settings "cache" $cache "key" $key "first" .first "plugins" $plugins) }}
{{- range $from := list $root.Values.zoneDefaults .zone }}
{{- range $name, $value := $from.plugins | default dict }}
{{- include "corelet.overlay" (dict "plugins" $plugins "name" $name "value" $value) }}
{{- end }}
{{- end }}
{{- $names := list (ternary $root.Values.clusterDomain $key (eq $key "cluster")) }}
{{- range .zone.names }}{{- $names = append $names . }}{{- end }}
{{- range $names }}{{ . }}:{{ int $settings.port }} {{ end }}{
{{- range $name, $value := $plugins }}
{{- with include "corelet.directive" (dict "name" $name "value" $value) | trimSuffix "\n" }}
{{- . | nindent 4 }}
{{- end }}
{{- end }}
{{- if and (eq .form "file") (eq $key ".") (include "corelet.hasCustom" $root) }}
    import /etc/corelet/custom/*.override
{{- end }}
}
{{- end }}

{{- /* Puts what the settings of a zone mean into `plugins`. */ -}}
{{- define "corelet.ownPlugins" -}}
{{- $root := .root }}
{{- $settings := .settings }}
{{- $plugins := .plugins }}
{{- if include "corelet.isAgent" $root }}
{{- $_ := set $plugins "bind" "__PILLAR__LOCAL__DNS__" }}
{{- else }}
{{- $_ := set $plugins "ready" (printf ":%d" (int $root.Values.ready.port)) }}
{{- end }}
{{- if eq $root.Values.mode "cilium" }}
{{- $_ := set $plugins "ready" (printf ":%d" (int $root.Values.ready.port)) }}
{{- end }}
{{- if .first }}
{{- $host := ternary (include "corelet.healthHost" $root) "" (eq (include "corelet.onNode" $root) "true") }}
{{- $health := dict "args" (include "corelet.hostPort" (dict "host" $host "port" (int $root.Values.health.port))) }}
{{- if eq $root.Values.mode "cluster" }}
{{- $_ := set $health "options" (dict "lameduck" $root.Values.health.lameduck) }}
{{- end }}
{{- $_ := set $plugins "health" $health }}
{{- end }}
{{- $_ := set $plugins "prometheus" (ternary "__PROMETHEUS__ENDPOINT__" (include "corelet.metricsAddress" $root) (eq .form "agent")) }}
{{- $options := dict }}
{{- range $kind := list "success" "denial" }}
{{- $_ := set $options $kind (printf "%d %d" (int $.cache.capacity) (int (get $.cache $kind))) }}
{{- end }}
{{- with .cache.prefetch }}{{- $_ := set $options "prefetch" . }}{{- end }}
{{- with .cache.serveStale }}{{- $_ := set $options "serve_stale" . }}{{- end }}
{{- $_ := set $plugins "cache" (dict "options" $options) }}
{{- if $settings.aaaaFilter }}{{- $_ := set $plugins "aaaa-filter" true }}{{- end }}
{{- if $settings.log }}{{- $_ := set $plugins "log" true }}{{- end }}
{{- with $settings.searchFilter }}
{{- $domain := $root.Values.clusterDomain }}
{{- $_ := set $plugins "search-filter" (dict "args" (printf "%s svc.%s *.svc.%s" $domain $domain $domain) "options" (dict "external" (join " " .))) }}
{{- end }}
{{- $fromApi := and (include "corelet.asksApi" $root) (eq (toString $settings.upstream) "cluster") }}
{{- $upstream := $settings.upstream }}
{{- if $fromApi }}
{{- /* Addresses outside of the cluster have names elsewhere. */}}
{{- $reverse := "in-addr.arpa ip6.arpa" }}
{{- $options := dict "pods" $root.Values.kubernetes.pods "ttl" $root.Values.kubernetes.ttl "fallthrough" $reverse }}
{{- $_ := set $plugins "kubernetes" (dict "args" (printf "%s %s" $root.Values.clusterDomain $reverse) "options" $options) }}
{{- $_ := set $plugins "loadbalance" true }}
{{- if eq .key "cluster" }}
{{- /* A cached answer of the API could only be older. */}}
{{- $_ := set (get $plugins "cache").options "disable" (list (printf "success %s" $root.Values.clusterDomain) (printf "denial %s" $root.Values.clusterDomain)) }}
{{- end }}
{{- $upstream = ternary "node" "none" (hasSuffix ".arpa" .key) }}
{{- end }}
{{- $targets := include "corelet.targets" (dict "root" $root "form" .form "upstream" $upstream) }}
{{- if $targets }}
{{- $forward := dict "args" (printf ". %s" $targets) }}
{{- if and $settings.forceTcp (not $fromApi) }}{{- $_ := set $forward "options" (dict "force_tcp" true) }}{{- end }}
{{- $_ := set $plugins "forward" $forward }}
{{- end }}
{{- end }}

{{- define "corelet.metricsAddress" -}}
{{- include "corelet.hostPort" (dict "host" .Values.metrics.host "port" (include "corelet.metricsPort" .)) }}
{{- end }}

{{- /* Who is asked, as _forward_ takes it. */ -}}
{{- define "corelet.targets" -}}
{{- if kindIs "slice" .upstream }}{{ join " " .upstream }}
{{- else if eq .upstream "node" }}{{ ternary "__PILLAR__UPSTREAM__SERVERS__" "/etc/resolv.conf" (eq .form "agent") }}
{{- else if eq .upstream "cluster" }}
{{- $port := int .root.Values.upstream.port }}
{{- $host := include "corelet.upstreamAddress" .root }}
{{- if eq .form "agent" }}{{- $host = "__PILLAR__CLUSTER__DNS__" }}
{{- else if not $host }}{{- $host = printf "{$%s}" (include "corelet.upstreamVariable" .root) }}
{{- end }}
{{- if eq $port 53 }}{{ $host }}{{ else }}{{ include "corelet.hostPort" (dict "host" $host "port" $port) }}{{ end }}
{{- end }}
{{- end }}

{{- /* A value for a plugin takes the place of what was there; two with options are put together. */ -}}
{{- define "corelet.overlay" -}}
{{- $present := get .plugins .name }}
{{- if and (kindIs "map" $present) (kindIs "map" .value) }}
{{- $options := dict }}
{{- range $from := list $present .value }}
{{- range $name, $value := $from.options | default dict }}{{- $_ := set $options $name $value }}{{- end }}
{{- end }}
{{- $_ := set .plugins .name (dict "args" (.value.args | default $present.args) "options" $options) }}
{{- else }}
{{- $_ := set .plugins .name .value }}
{{- end }}
{{- end }}

{{- /* The lines of a plugin. */ -}}
{{- define "corelet.directive" -}}
{{- $name := .name }}
{{- if kindIs "slice" .value }}
{{- range .value }}{{ include "corelet.directive" (dict "name" $name "value" .) }}{{ end }}
{{- else if kindIs "map" .value }}
{{- $name }}{{ with .value.args }} {{ include "corelet.word" . }}{{ end }}
{{- $lines := list }}
{{- range $option, $value := .value.options | default dict }}
{{- $lines = append $lines (include "corelet.directive" (dict "name" $option "value" $value) | trimSuffix "\n") }}
{{- end }}
{{- with compact $lines }} {
{{ join "\n" . | indent 4 }}
}
{{- end }}
{{ else if kindIs "bool" .value }}
{{- if .value }}{{ $name }}
{{ end }}
{{- else if not (kindIs "invalid" .value) }}
{{- $name }} {{ include "corelet.word" .value | trim }}
{{ end }}
{{- end }}

{{- /* Numbers come from YAML as floating ones, which would be printed with an exponent. */ -}}
{{- define "corelet.word" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}
