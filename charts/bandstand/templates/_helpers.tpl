{{/* A label, such as the name of the job that a pod is of, has at most 63 characters */}}
{{- define "bandstand.fullname" -}}
{{- $name := contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) -}}
{{- if gt (len $name) 38 }}
{{- fail (printf "the release's name is too long: %s is to have at most 38 characters, and names of objects begin with it" $name) }}
{{- end }}
{{- $name }}
{{- end }}

{{/* Of a URL; that of its scheme if it names none */}}
{{- define "bandstand.portOf" -}}
{{- $url := urlParse . -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (eq $url.scheme "https" | ternary "443" "80") }}
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
{{ coalesce .Values.postgres.externalSecret .Values.postgres.existingSecret (printf "%s-database" (include "bandstand.fullname" .)) }}
{{- end }}

{{/* As KEDA calls it, too, from its own namespace */}}
{{- define "bandstand.kafkaHost" -}}
{{ include "bandstand.fullname" . }}-kafka.{{ .Release.Namespace }}
{{- end }}

{{- define "bandstand.kafka" -}}
{{ .Values.kafka.external | default (printf "%s:9092" (include "bandstand.kafkaHost" .)) }}
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

{{/* Whether the number of orchestrators is the operator's business: two cannot own one field. By the
values, or by the object as somebody has patched or made it since. */}}
{{- define "bandstand.operatorScales" -}}
{{- if .Values.operator.enabled }}
{{- $wanted := .Values.operator.coordination.create | ternary .Values.operator.coordination.spec dict }}
{{- $there := (include "bandstand.coordination" . | fromYaml).spec | default dict }}
{{- range list $wanted $there }}
{{- if dig "orchestrator" "scaleToZeroWhenIdle" false . }}yes{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The Coordination as it is in the cluster, if that knows such objects */}}
{{- define "bandstand.coordination" -}}
{{- if .Capabilities.APIVersions.Has "bandstand.dev/v1alpha1" }}
{{- lookup "bandstand.dev/v1alpha1" "Coordination" .Release.Namespace "orders" | toYaml }}
{{- end }}
{{- end }}

{{/* A quantity such as 1.5Gi, or a bare number, as bytes */}}
{{- define "bandstand.bytes" -}}
{{- $quantity := toString . }}
{{- $unit := regexFind "[A-Za-z]*$" $quantity }}
{{- $sizes := dict "" 1 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- mulf (trimSuffix $unit $quantity | float64) (index $sizes $unit) | int64 }}
{{- end }}

{{/* Seven tenths of a limit: Go's collector otherwise lets as much garbage lie as there is kept */}}
{{- define "bandstand.goMemory" -}}
{{- if . }}{{ div (mul (include "bandstand.bytes" .) 7) 10485760 }}MiB{{ else }}off{{ end }}
{{- end }}
