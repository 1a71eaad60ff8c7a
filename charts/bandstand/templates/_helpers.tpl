{{- define "bandstand.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{/* `include "bandstand.selector" (list $ "order")`: what never changes about a component */}}
{{- define "bandstand.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "bandstand.labels" -}}
{{- $root := index . 0 -}}
{{ include "bandstand.selector" . }}
app.kubernetes.io/part-of: {{ $root.Chart.Name }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}

{{/* A label selector of all services' pods */}}
{{- define "bandstand.isService" -}}
matchLabels:
  app.kubernetes.io/name: {{ .Chart.Name }}
  app.kubernetes.io/instance: {{ .Release.Name }}
matchExpressions:
  - {key: app.kubernetes.io/component, operator: In, values: [{{ keys .Values.services | sortAlpha | join ", " }}]}
{{- end }}

{{- define "bandstand.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* `include "bandstand.podSecurity" 10001`: with containerSecurity, the restricted Pod Security Standard */}}
{{- define "bandstand.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "bandstand.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What every pod has, wherever it runs */}}
{{- define "bandstand.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "bandstand.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .className }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end }}

{{- define "bandstand.adminSecret" -}}
{{ .Values.admin.existingSecret | default (printf "%s-admin" (include "bandstand.fullname" .)) }}
{{- end }}

{{- define "bandstand.databaseSecret" -}}
{{ .Values.postgres.externalSecret | default (printf "%s-database" (include "bandstand.fullname" .)) }}
{{- end }}

{{- define "bandstand.kafka" -}}
{{ .Values.kafka.external | default (printf "%s-kafka:9092" (include "bandstand.fullname" .)) }}
{{- end }}

{{/* `cpu`, `lag` or nothing */}}
{{- define "bandstand.scalesBy" -}}
{{- $found := .Capabilities.APIVersions.Has "keda.sh/v1alpha1" | ternary "lag" "cpu" -}}
{{- eq .Values.autoscaling.by "auto" | ternary $found .Values.autoscaling.by }}
{{- end }}

{{/* `include "bandstand.watchedBy" (list $ .Values.monitoring.serviceMonitor)`: not empty if it is to be made */}}
{{- define "bandstand.watchedBy" -}}
{{- $enabled := (index . 1).enabled | toString -}}
{{- $found := (index . 0).Capabilities.APIVersions.Has "monitoring.coreos.com/v1" | ternary "true" "false" -}}
{{- if eq "true" (eq $enabled "auto" | ternary $found $enabled) }}yes{{ end }}
{{- end }}

{{/* Whether the number of orchestrators is the operator's business: two cannot own one field */}}
{{- define "bandstand.operatorScales" -}}
{{- with .Values.operator }}
{{- if and .enabled .coordination.create (dig "orchestrator" "scaleToZeroWhenIdle" false .coordination.spec) }}yes{{ end }}
{{- end }}
{{- end }}
