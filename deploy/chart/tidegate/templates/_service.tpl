{{- /* A Service: root, name, which protocols, which key of expose, spec, labels, annotations. */ -}}
{{- define "tidegate.servicePorts" -}}
{{- $root := .root -}}
{{- range $name, $port := $root.Values.ports -}}
{{- $protocol := upper (default "TCP" (default dict $port).protocol) -}}
{{- if and $port (not (has $name (list "traefik" "metrics"))) (index (default dict $port.expose) $.exposes) (has $protocol $.protocols) }}
- name: {{ lower $name }}
  port: {{ default $port.port $port.exposedPort }}
  targetPort: {{ default (include "tidegate.portName" $name) $port.targetPort }}
  protocol: {{ $protocol }}
  {{- with $port.nodePort }}
  nodePort: {{ . }}
  {{- end }}
  {{- with $port.appProtocol }}
  appProtocol: {{ . }}
  {{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tidegate.service" -}}
{{- $ports := include "tidegate.servicePorts" . -}}
{{- if trim $ports }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ include "tidegate.namespace" .root }}
  labels:
    {{- include "tidegate.labels" .root | nindent 4 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- toYaml .spec | nindent 2 }}
  selector:
    {{- include "tidegate.selectorLabels" .root | nindent 4 }}
  ports:
    {{- $ports | trim | nindent 4 }}
  {{- with .sourceRanges }}
  loadBalancerSourceRanges:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .externalIPs }}
  externalIPs:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}
