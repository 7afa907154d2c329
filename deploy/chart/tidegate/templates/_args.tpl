{{- /* The command line of `tidegate run`, in the order of docs/reference/options.md. */ -}}

{{- define "tidegate.portArgs" -}}
{{- $name := .name -}}
{{- $port := .port -}}
{{- $at := printf "--entryPoints.%s" $name -}}
- "{{ $at }}.address={{ if and .hostNetwork $port.hostIP }}{{ if contains ":" $port.hostIP }}[{{ $port.hostIP }}]{{ else }}{{ $port.hostIP }}{{ end }}{{ end }}:{{ $port.port }}/{{ lower (default "TCP" $port.protocol) }}"
{{- if not (kindIs "invalid" $port.asDefault) }}
- "{{ $at }}.asDefault={{ $port.asDefault }}"
{{- end }}
{{- if $port.allowACMEByPass }}
- "{{ $at }}.allowACMEByPass=true"
{{- end }}
{{- with $port.forwardedHeaders }}
{{- if .trustedIPs }}
- "{{ $at }}.forwardedHeaders.trustedIPs={{ join "," .trustedIPs }}"
{{- end }}
{{- if .insecure }}
- "{{ $at }}.forwardedHeaders.insecure=true"
{{- end }}
{{- if .notAppendXForwardedFor }}
- "{{ $at }}.forwardedHeaders.notAppendXForwardedFor=true"
{{- end }}
{{- end }}
{{- with $port.proxyProtocol }}
{{- if .trustedIPs }}
- "{{ $at }}.proxyProtocol.trustedIPs={{ join "," .trustedIPs }}"
{{- end }}
{{- if .insecure }}
- "{{ $at }}.proxyProtocol.insecure=true"
{{- end }}
{{- end }}
{{- with $port.transport }}
{{- with .respondingTimeouts }}
{{- range $key := list "readTimeout" "writeTimeout" "idleTimeout" }}
{{- $value := index $port.transport.respondingTimeouts $key }}
{{- if not (kindIs "invalid" $value) }}
- "{{ $at }}.transport.respondingTimeouts.{{ $key }}={{ $value }}"
{{- end }}
{{- end }}
{{- end }}
{{- with .lifeCycle }}
{{- range $key := list "requestAcceptGraceTimeout" "graceTimeOut" }}
{{- $value := index $port.transport.lifeCycle $key }}
{{- if not (kindIs "invalid" $value) }}
- "{{ $at }}.transport.lifeCycle.{{ $key }}={{ $value }}"
{{- end }}
{{- end }}
{{- end }}
{{- range $key := list "keepAliveMaxRequests" "keepAliveMaxTime" }}
{{- $value := index $port.transport $key }}
{{- if not (kindIs "invalid" $value) }}
- "{{ $at }}.transport.{{ $key }}={{ $value }}"
{{- end }}
{{- end }}
{{- end }}
{{- with $port.udp }}
{{- with .timeout }}
- "{{ $at }}.udp.timeout={{ . }}"
{{- end }}
{{- end }}
{{- with $port.http }}
{{- with .redirections }}
{{- with .entryPoint }}
{{- if .to }}
- "{{ $at }}.http.redirections.entryPoint.to={{ include "tidegate.redirectTo" (dict "to" .to "ports" $.ports) }}"
- "{{ $at }}.http.redirections.entryPoint.scheme={{ default "https" .scheme }}"
{{- if not (kindIs "invalid" .permanent) }}
- "{{ $at }}.http.redirections.entryPoint.permanent={{ .permanent }}"
{{- end }}
{{- if .priority }}
- "{{ $at }}.http.redirections.entryPoint.priority={{ .priority | int64 }}"
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if .middlewares }}
- "{{ $at }}.http.middlewares={{ join "," .middlewares }}"
{{- end }}
{{- with .tls }}
{{- if .enabled }}
- "{{ $at }}.http.tls=true"
{{- with .options }}
- "{{ $at }}.http.tls.options={{ . }}"
{{- end }}
{{- with .certResolver }}
- "{{ $at }}.http.tls.certResolver={{ . }}"
{{- end }}
{{- range $i, $domain := .domains }}
{{- with $domain.main }}
- "{{ $at }}.http.tls.domains[{{ $i }}].main={{ . }}"
{{- end }}
{{- with $domain.sans }}
- "{{ $at }}.http.tls.domains[{{ $i }}].sans={{ join "," . }}"
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if not (kindIs "invalid" .maxHeaderBytes) }}
- "{{ $at }}.http.maxHeaderBytes={{ .maxHeaderBytes | int64 }}"
{{- end }}
{{- if not (kindIs "invalid" .sanitizePath) }}
- "{{ $at }}.http.sanitizePath={{ .sanitizePath }}"
{{- end }}
{{- with .underscoreHeadersStrategy }}
- "{{ $at }}.http.underscoreHeadersStrategy={{ . }}"
{{- end }}
{{- range $key, $value := .encodedCharacters }}
- "{{ $at }}.http.encodedCharacters.{{ $key }}={{ $value }}"
{{- end }}
{{- end }}
{{- end -}}

{{- /* An entry point is redirected to by the port that clients see. */ -}}
{{- define "tidegate.redirectTo" -}}
{{- $target := index .ports .to -}}
{{- if $target -}}
{{- if $target.exposedPort }}:{{ $target.exposedPort }}{{ else }}{{ .to }}{{ end -}}
{{- else -}}
{{- .to -}}
{{- end -}}
{{- end -}}

{{- define "tidegate.providerArgs" -}}
{{- $at := .at -}}
{{- $p := .provider -}}
{{- range $key := list "allowCrossNamespace" "allowExternalNameServices" "allowEmptyServices" "nativeLBByDefault" "disableIngressClassLookup" "strictPrefixMatching" }}
{{- if index $p $key }}
- "{{ $at }}.{{ $key }}=true"
{{- end }}
{{- end }}
{{- with $p.ingressClass }}
- "{{ $at }}.ingressClass={{ . }}"
{{- end }}
{{- with $p.labelSelector }}
- "{{ $at }}.labelSelector={{ . }}"
{{- end }}
{{- with .namespaces }}
- "{{ $at }}.namespaces={{ . }}"
{{- end }}
{{- with $p.crossProviderNamespaces }}
- "{{ $at }}.crossProviderNamespaces={{ join "," . }}"
{{- end }}
{{- end -}}

{{- /* Roles in namespaces cannot read what belongs to the cluster. */ -}}
{{- define "tidegate.scopeArg" -}}
{{- if .Values.rbac.namespaced }}
- "--providers.{{ .provider }}.disableClusterScopeResources=true"
{{- end }}
{{- end -}}

{{- define "tidegate.args" -}}
- run
{{- with .Values.globalArguments }}
{{ toYaml . }}
{{- end }}
{{- range $name, $port := .Values.ports }}
{{- if and $port (not (has $name (list "traefik" "metrics"))) }}
{{ include "tidegate.portArgs" (dict "name" $name "port" $port "ports" $.Values.ports "hostNetwork" $.Values.hostNetwork) }}
{{- end }}
{{- end }}
{{- if .Values.providers.kubernetesCRD.enabled }}
- "--providers.kubernetesCRD=true"
{{- $namespaces := join "," .Values.providers.kubernetesCRD.namespaces }}
{{- if and .Values.rbac.namespaced (not $namespaces) }}{{ $namespaces = include "tidegate.namespace" . }}{{ end }}
{{- include "tidegate.providerArgs" (dict "at" "--providers.kubernetesCRD" "provider" .Values.providers.kubernetesCRD "namespaces" $namespaces) }}
{{- include "tidegate.scopeArg" (dict "Values" .Values "provider" "kubernetesCRD") }}
{{- end }}
{{- if .Values.providers.kubernetesIngress.enabled }}
- "--providers.kubernetesIngress=true"
{{- $namespaces := join "," .Values.providers.kubernetesIngress.namespaces }}
{{- if and .Values.rbac.namespaced (not $namespaces) }}{{ $namespaces = include "tidegate.namespace" . }}{{ end }}
{{- include "tidegate.providerArgs" (dict "at" "--providers.kubernetesIngress" "provider" .Values.providers.kubernetesIngress "namespaces" $namespaces) }}
{{- include "tidegate.scopeArg" (dict "Values" .Values "provider" "kubernetesIngress") }}
{{- if or .Values.providers.kubernetesIngress.ingressEndpoint.ip .Values.providers.kubernetesIngress.ingressEndpoint.hostname }}
{{- with .Values.providers.kubernetesIngress.ingressEndpoint.ip }}
- "--providers.kubernetesIngress.ingressEndpoint.ip={{ . }}"
{{- end }}
{{- with .Values.providers.kubernetesIngress.ingressEndpoint.hostname }}
- "--providers.kubernetesIngress.ingressEndpoint.hostname={{ . }}"
{{- end }}
{{- else if and .Values.providers.kubernetesIngress.publishedService.enabled .Values.service.enabled }}
- "--providers.kubernetesIngress.ingressEndpoint.publishedService={{ default (printf "%s/%s" (include "tidegate.namespace" .) (include "tidegate.serviceName" .)) .Values.providers.kubernetesIngress.publishedService.pathOverride }}"
{{- end }}
{{- end }}
{{- if .Values.providers.file.enabled }}
- "--providers.file.directory=/etc/tidegate/dynamic"
- "--providers.file.watch={{ .Values.providers.file.watch }}"
{{- end }}
{{- with .Values.providers.providersThrottleDuration }}
- "--providers.providersThrottleDuration={{ . }}"
{{- end }}
- "--log.level={{ .Values.log.level }}"
{{- with .Values.log.format }}
- "--log.format={{ . }}"
{{- end }}
{{- with .Values.log.filePath }}
- "--log.filePath={{ . }}"
{{- end }}
{{- if .Values.accessLog.enabled }}
- "--accessLog=true"
{{- with .Values.accessLog.format }}
- "--accessLog.format={{ . }}"
{{- end }}
{{- with .Values.accessLog.filePath }}
- "--accessLog.filePath={{ . }}"
{{- end }}
{{- end }}
{{- if .Values.metrics.prometheus.enabled }}
- "--metrics.prometheus=true"
{{- range $key := list "addEntryPointsLabels" "addRoutersLabels" "addServicesLabels" }}
{{- $value := index $.Values.metrics.prometheus $key }}
{{- if not (kindIs "invalid" $value) }}
- "--metrics.prometheus.{{ $key }}={{ $value }}"
{{- end }}
{{- end }}
{{- with .Values.metrics.prometheus.buckets }}
- "--metrics.prometheus.buckets={{ . }}"
{{- end }}
{{- end }}
- "--ping=true"
{{- with .Values.core.defaultRuleSyntax }}
- "--core.defaultRuleSyntax={{ . }}"
{{- end }}
{{- if .Values.global.notAppendXForwardedFor }}
- "--global.notAppendXForwardedFor=true"
{{- end }}
- "--admin.address=:{{ .Values.admin.port }}"
- "--admin.socket=/run/tidegate/admin.sock"
{{- if .Values.kernelPlane.enabled }}
- "--kernelPlane=pinned"
- "--pinFolder={{ include "tidegate.pins" . }}"
{{- with .Values.kernelPlane.interfaces }}
- "--interfaces={{ join "," . }}"
{{- end }}
{{- else }}
- "--kernelPlane=off"
{{- end }}
- "--stateFile={{ .Values.persistence.path }}/state"
{{- with .Values.additionalArguments }}
{{ toYaml . }}
{{- end }}
{{- end -}}
