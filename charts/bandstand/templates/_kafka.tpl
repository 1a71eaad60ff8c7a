{{/* The release's own broker's: of the topics of events and commands, as many as services/provision makes,
each partition has an equal part of the claim's share, a fifth of it for the segment that is written */}}
{{- define "bandstand.kafkaProperties" -}}
{{- $partitions := mul 17 .Values.settings.partitions }}
{{- $claim := include "bandstand.bytes" .Values.kafka.storage.size }}
{{- $part := div (div (mul $claim .Values.kafka.topicsPercent) 100) $partitions }}
{{- $segment := div $part 5 | max 1048576 }}
{{- if lt $part (mul 2 $segment) }}
{{- fail (printf "kafka.storage.size: %v is too little for settings.partitions=%v, 2 MiB for each of all topics' %d partitions" .Values.kafka.storage.size .Values.settings.partitions $partitions) }}
{{- end }}
{{- .Files.Get "files/kafka-server.properties" | replace "ADVERTISED" (include "bandstand.kafkaHost" .) | replace "KEPT_BYTES" (sub $part $segment | toString) | replace "SEGMENT_BYTES" (toString $segment) }}
{{- end }}

{{/* The Secret with the passwords of Kafka's users; empty where nobody is asked for one */}}
{{- define "bandstand.kafkaSecret" -}}
{{- if .Values.kafka.external }}{{ .Values.kafka.access.passwordSecret }}
{{- else }}{{ .Values.kafka.existingSecret | default (printf "%s-kafka-accounts" (include "bandstand.fullname" .)) }}
{{- end }}
{{- end }}

{{/* By which protocol and mechanism one gets in, as YAML */}}
{{- define "bandstand.kafkaWay" -}}
{{- $own := dict "security" "SASL_PLAINTEXT" "mechanism" "PLAIN" -}}
{{- pick (empty .Values.kafka.external | ternary $own .Values.kafka.access) "security" "mechanism" | toYaml }}
{{- end }}

{{/* `include "bandstand.kafkaAccess" (list $ "order")`: the environment of a Kafka client */}}
{{- define "bandstand.kafkaAccess" -}}
{{- $root := index . 0 }}
{{- $user := index . 1 }}
{{- $access := include "bandstand.kafkaWay" $root | fromYaml -}}
- {name: BANDSTAND_KAFKA, value: {{ include "bandstand.kafka" $root | quote }}}
- {name: BANDSTAND_KAFKA_SECURITY, value: {{ $access.security }}}
- {name: BANDSTAND_KAFKA_MECHANISM, value: {{ $access.mechanism }}}
{{- with include "bandstand.kafkaSecret" $root }}
- name: BANDSTAND_KAFKA_USER
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: {{ $user }}.user, optional: true}
- name: BANDSTAND_KAFKA_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: {{ $user }}.password}
{{- end }}
{{- if include "bandstand.kafkaAuthority" $root }}
- {name: BANDSTAND_KAFKA_CA, value: /etc/bandstand-kafka/ca.crt}
{{- end }}
{{- end }}

{{- define "bandstand.kafkaAuthority" -}}
{{- if .Values.kafka.external }}{{ .Values.kafka.access.authoritySecret }}{{ end }}
{{- end }}

{{- define "bandstand.kafkaVolumeMount" -}}
{{- if include "bandstand.kafkaAuthority" . -}}
- {name: kafka-ca, mountPath: /etc/bandstand-kafka, readOnly: true}
{{- end }}
{{- end }}

{{- define "bandstand.kafkaVolume" -}}
{{- with include "bandstand.kafkaAuthority" . -}}
- name: kafka-ca
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end }}
