{{- /*
The API server asks the operator before it saves a Policy (docs/policy.md). While nobody answers it
saves what it is given, and the Policy's own condition says what is wrong with it.
*/ -}}

{{- define "bandstand.admissionSecret" -}}
{{ .Values.operator.admission.existingSecret | default (printf "%s-operator-admission" (include "bandstand.fullname" .)) }}
{{- end }}

{{/* The data of that secret, if it is ours. Made once: what is in the cluster is kept */}}
{{- define "bandstand.admissionData" -}}
{{- with .Values.operator.admission }}
{{- if and .enabled (not .existingSecret) }}
{{- $name := include "bandstand.admissionSecret" $ }}
{{- $kept := (lookup "v1" "Secret" $.Release.Namespace $name).data }}
{{- if not $kept }}
{{- $ca := genCA $name 3650 }}
{{- $made := genSignedCert $name nil (list (printf "%s.%s.svc" $name $.Release.Namespace)) 3650 $ca }}
{{- $kept = dict "ca.crt" ($ca.Cert | b64enc) "tls.crt" ($made.Cert | b64enc) "tls.key" ($made.Key | b64enc) }}
{{- end }}
{{- pick $kept "ca.crt" "tls.crt" "tls.key" | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* `include "bandstand.admissionObjects" (list $ $data)`: what it takes to be asked */}}
{{- define "bandstand.admissionObjects" -}}
{{- with (index . 0).Values.operator.admission }}
{{- if and .existingSecret (not .annotations) }}
{{- fail "operator.admission.existingSecret needs operator.admission.annotations, by which the API server gets to know who signed it" }}
{{- end }}
{{- end }}
{{- $root := index . 0 }}
{{- $data := index . 1 }}
{{- $name := printf "%s-operator-admission" (include "bandstand.fullname" $root) }}
{{- $component := list $root "operator" }}
{{- if $data }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ $name }}
  labels: {{- include "bandstand.labels" $component | nindent 4 }}
type: kubernetes.io/tls
data: {{- toYaml $data | nindent 2 }}
---
{{- end }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "bandstand.labels" $component | nindent 4 }}
spec:
  selector: {{- include "bandstand.selector" $component | nindent 4 }}
  ports:
    - {name: admission, port: 443, targetPort: admission, appProtocol: https}
---
# Belongs to the cluster, so its name tells whose it is; it looks at one namespace alone.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: {{ $name }}-{{ $root.Release.Namespace }}
  labels: {{- include "bandstand.labels" $component | nindent 4 }}
  {{- with $root.Values.operator.admission.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
webhooks:
  - name: policies.bandstand.dev
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Ignore
    timeoutSeconds: 5
    namespaceSelector:
      matchLabels: {kubernetes.io/metadata.name: {{ $root.Release.Namespace }}}
    rules:
      - apiGroups: [bandstand.dev]
        apiVersions: [v1alpha1]
        resources: [policies]
        operations: [CREATE, UPDATE]
        scope: Namespaced
    clientConfig:
      service: {name: {{ $name }}, namespace: {{ $root.Release.Namespace }}, path: /policies}
      {{- with $data }}
      caBundle: {{ index . "ca.crt" }}
      {{- end }}
{{- if $root.Values.networkPolicy.enabled }}
---
# From the API server, whose address no selector knows.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $name }}
  labels: {{- include "bandstand.labels" (list $root "network") | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "bandstand.selector" $component | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        - {port: admission}
{{- end }}
{{- end }}
