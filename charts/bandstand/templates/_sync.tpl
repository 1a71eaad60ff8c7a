{{- /*
For `skaffold dev`: whoever runs the image has its sources in a folder that can be written, and runs
again when they change (files/run-again.sh). All of them do, since Skaffold copies a changed file
into every running container of the image, and takes it for a failure where that is refused.
*/ -}}
{{- define "bandstand.syncCopy" -}}
{{- if .Values.sync.enabled -}}
initContainers:
  - name: copy
    image: {{ include "bandstand.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    command: [cp, -r, /app/., /sync]
    securityContext: {{- include "bandstand.containerSecurity" . | nindent 6 }}
    volumeMounts:
      - {name: sync, mountPath: /sync}
{{- end }}
{{- end }}

{{/* `include "bandstand.syncCommand" (list $ "python3" "-m" "services")` */}}
{{- define "bandstand.syncCommand" -}}
{{- if (index . 0).Values.sync.enabled -}}
command: [/bin/sh, /etc/bandstand/run-again.sh, {{ rest . | join ", " }}]
{{- end }}
{{- end }}

{{- define "bandstand.syncEnvironment" -}}
{{- if .Values.sync.enabled -}}
- {name: PYTHONPATH, value: /sync}
{{- end }}
{{- end }}

{{- define "bandstand.syncVolumeMounts" -}}
{{- if .Values.sync.enabled -}}
- {name: sync, mountPath: /sync}
- {name: run-again, mountPath: /etc/bandstand, readOnly: true}
{{- end }}
{{- end }}

{{- define "bandstand.syncVolumes" -}}
{{- if .Values.sync.enabled -}}
- name: sync
  emptyDir: {sizeLimit: 64Mi}
- name: run-again
  configMap: {name: {{ include "bandstand.fullname" . }}-run-again}
{{- end }}
{{- end }}
