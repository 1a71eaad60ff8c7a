{{/* A ScaledObject, and how KEDA is let into Kafka: `root`, `name` of the service, `least`, `most` */}}
{{- define "bandstand.scaledObject" }}
{{- $values := .root.Values }}
{{- $name := printf "%s-%s" (include "bandstand.fullname" .root) .name }}
{{- $access := include "bandstand.kafkaWay" .root | fromYaml }}
{{- $given := include "bandstand.kedaParameters" . }}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ $name }}
  labels: {{- include "bandstand.labels" (list .root .name) | nindent 4 }}
spec:
  scaleTargetRef: {name: {{ $name }}}
  minReplicaCount: {{ .least }}
  maxReplicaCount: {{ .most }}
  triggers:
    - type: kafka
      metadata:
        bootstrapServers: {{ include "bandstand.kafka" .root | quote }}
        consumerGroup: {{ .name }}
        lagThreshold: {{ $values.autoscaling.lag | int64 | quote }}
        version: 2.8.0  # whose protocol it speaks: by default that of 1.0, which Kafka 4 has given up in part
        {{- if not $values.autoscaling.authentication }}  {{- /* it says this, or else KEDA refuses both */}}
        sasl: {{ hasPrefix "SASL_" $access.security | ternary (include "bandstand.kedaSasl" $access.mechanism) "none" }}
        tls: {{ hasSuffix "SSL" $access.security | ternary "enable" "disable" }}
        {{- end }}
      {{- with $values.autoscaling.authentication | default (empty $given | ternary "" $name) }}
      authenticationRef: {name: {{ . }}}
      {{- end }}
{{- if and $given (not $values.autoscaling.authentication) }}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  name: {{ $name }}
  labels: {{- include "bandstand.labels" (list .root .name) | nindent 4 }}
spec:
  secretTargetRef:
    {{- $given | nindent 4 }}
{{- end }}
{{- end }}

{{- define "bandstand.kedaParameters" -}}
{{- with include "bandstand.kafkaSecret" .root -}}
- {parameter: username, name: {{ . }}, key: {{ $.name }}.user}
- {parameter: password, name: {{ . }}, key: {{ $.name }}.password}
{{- end }}
{{- with include "bandstand.kafkaAuthority" .root }}
- {parameter: ca, name: {{ . }}, key: ca.crt}
{{- end }}
{{- end }}

{{/* SCRAM-SHA-512 is scram_sha512 there, and PLAIN is plaintext */}}
{{- define "bandstand.kedaSasl" -}}
{{ . | lower | replace "sha-" "sha" | replace "-" "_" | replace "plain" "plaintext" }}
{{- end }}
