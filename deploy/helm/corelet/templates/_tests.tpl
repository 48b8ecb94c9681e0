{{- define "corelet.testLabels" -}}
app.kubernetes.io/name: {{ include "corelet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}

{{- define "corelet.testPod" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: true
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
tolerations:
  {{- include "corelet.ownTolerations" . | nindent 2 }}
securityContext:
  {{- include "corelet.unprivileged" . | nindent 2 }}
{{- end }}

{{- define "corelet.testContainer" -}}
image: {{ include "corelet.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- include "corelet.powerless" . | nindent 2 }}
{{- end }}
