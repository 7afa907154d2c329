{{- define "tidegate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "tidegate.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tidegate.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "tidegate.serviceAccountName" -}}
{{- default (include "tidegate.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "tidegate.serviceName" -}}
{{- default (include "tidegate.fullname" .) .Values.service.nameOverride -}}
{{- end -}}

{{- /* A name with a suffix, as long as a Service's may be. */ -}}
{{- define "tidegate.suffixed" -}}
{{- printf "%s-%s" (.name | trunc (sub 62 (len .suffix) | int) | trimSuffix "-") .suffix -}}
{{- end -}}

{{- /* An entry point's name as that of a container's port. */ -}}
{{- define "tidegate.portName" -}}
{{- lower . | trunc 15 | trimSuffix "-" -}}
{{- end -}}

{{- /* Whether two pods cannot be on one node, since each takes ports of it. */ -}}
{{- define "tidegate.holdsNodePorts" -}}
{{- if .Values.hostNetwork }}true{{ else }}
{{- range $name, $port := .Values.ports }}{{ if (default dict $port).hostPort }}true{{ end }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "tidegate.className" -}}
{{- default (include "tidegate.name" .) .Values.ingressClass.name -}}
{{- end -}}

{{- define "tidegate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tidegate.name" . }}
app.kubernetes.io/instance: {{ default (printf "%s-%s" .Release.Name (include "tidegate.namespace" .)) .Values.instanceLabelOverride | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "tidegate.labels" -}}
{{ include "tidegate.selectorLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tidegate.image" -}}
{{- $image := .Values.image -}}
{{- with $image.registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest -}}
@{{ $image.digest }}
{{- else -}}
:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}

{{- /* The namespaces that are watched, without repetition; empty: all. */ -}}
{{- define "tidegate.namespaces" -}}
{{- $all := concat .Values.providers.kubernetesCRD.namespaces .Values.providers.kubernetesIngress.namespaces -}}
{{- if and .Values.rbac.namespaced (not $all) -}}
{{- $all = list (include "tidegate.namespace" .) -}}
{{- end -}}
{{- uniq $all | sortAlpha | join "," -}}
{{- end -}}

{{- /* The node's folder of pins as the containers see it: /sys is read-only there. */ -}}
{{- define "tidegate.pins" -}}
/bpf/{{ base .Values.kernelPlane.pinFolder }}
{{- end -}}

{{- define "tidegate.isDaemonSet" -}}
{{- if eq .Values.deployment.kind "DaemonSet" }}true{{ end -}}
{{- end -}}

{{- /* What cannot work is refused here, in words. */ -}}
{{- define "tidegate.check" -}}
{{- if not (has .Values.deployment.kind (list "DaemonSet" "Deployment")) -}}
{{- fail (printf "deployment.kind: expected DaemonSet or Deployment, found %s" .Values.deployment.kind) -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (include "tidegate.isDaemonSet" .) -}}
{{- fail "autoscaling.enabled: a DaemonSet has one pod a node; set deployment.kind=Deployment, or leave autoscaling off" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (not .Values.autoscaling.maxReplicas) -}}
{{- fail "autoscaling.maxReplicas: required when autoscaling.enabled" -}}
{{- end -}}
{{- if and .Values.kernelPlane.enabled (not .Values.hostNetwork) -}}
{{- fail "kernelPlane.enabled: needs hostNetwork=true, since XDP works on the node's interfaces; or set kernelPlane.enabled=false" -}}
{{- end -}}
{{- if and .Values.kernelPlane.enabled (kindIs "invalid" .Values.podSecurityContext.runAsGroup) -}}
{{- fail "podSecurityContext.runAsGroup: required, the kernel plane belongs to that group; or set kernelPlane.enabled=false" -}}
{{- end -}}
{{- if eq "traefik" (toString (dig "httpGet" "port" "" (default dict .Values.startupProbe))) -}}
{{- fail "startupProbe.httpGet.port: there is no port traefik here, it is called admin" -}}
{{- end -}}
{{- if eq "traefik" (base .Values.image.repository) -}}
{{- fail (printf "image.repository: %s is Traefik's own image, which has no program tidegate; leave image out, or name one made from deploy/container (its tag, too)" .Values.image.repository) -}}
{{- end -}}
{{- include "tidegate.checkStartup" . -}}
{{- if and .Values.persistence.enabled (include "tidegate.isDaemonSet" .) (ne (toString .Values.persistence.accessMode) "ReadWriteMany") -}}
{{- fail (printf "persistence.enabled: a volume of %v is on one node, and the pods of a DaemonSet on all others would wait for it for ever; leave it off (Traefik's acme.json has no use here), or set persistence.accessMode=ReadWriteMany or deployment.kind=Deployment" .Values.persistence.accessMode) -}}
{{- end -}}
{{- if not (or .Values.providers.kubernetesCRD.enabled .Values.providers.kubernetesIngress.enabled .Values.providers.file.enabled .Values.additionalArguments) -}}
{{- fail "providers: at least one of kubernetesCRD, kubernetesIngress and file must be enabled" -}}
{{- end -}}
{{- include "tidegate.checkUpdate" . -}}
{{- if and (not (kindIs "invalid" .Values.podDisruptionBudget.minAvailable)) (not (kindIs "invalid" .Values.podDisruptionBudget.maxUnavailable)) -}}
{{- fail "podDisruptionBudget: minAvailable or maxUnavailable, not both" -}}
{{- end -}}
{{- if and (eq (toString .Values.deployment.hostUsers) "false") .Values.hostNetwork -}}
{{- fail "deployment.hostUsers: a pod of the host's network has the host's users; set hostNetwork=false too" -}}
{{- end -}}
{{- if and .Values.rbac.namespaced (not .Values.providers.kubernetesIngress.disableIngressClassLookup) .Values.providers.kubernetesIngress.enabled -}}
{{- fail "rbac.namespaced: IngressClasses belong to the cluster; set providers.kubernetesIngress.disableIngressClassLookup=true or providers.kubernetesIngress.enabled=false" -}}
{{- end -}}
{{- $names := dict "admin" "the admin port" -}}
{{- range $name, $port := .Values.ports -}}
{{- if $port -}}
{{- if not (has $name (list "traefik" "metrics")) -}}
{{- if or (not (regexMatch "^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$" $name)) (not (regexMatch "[a-zA-Z]" $name)) -}}
{{- fail (printf "ports.%s: a name has letters, digits and single '-' between them" $name) -}}
{{- end -}}
{{- $short := include "tidegate.portName" $name -}}
{{- if hasKey $names $short -}}
{{- fail (printf "ports.%s: as the name of a container's port it is %s, as that of %s" $name $short (index $names $short)) -}}
{{- end -}}
{{- $_ := set $names $short (printf "ports.%s" $name) -}}
{{- if and $.Values.hostNetwork $port.hostPort (ne (int $port.hostPort) (int $port.port)) -}}
{{- fail (printf "ports.%s.hostPort: with hostNetwork=true the node's port is ports.%s.port: set that to %d (below 1024 the node must allow it, see sysctl net.ipv4.ip_unprivileged_port_start), or set hostNetwork=false" $name $name (int $port.hostPort)) -}}
{{- end -}}
{{- end -}}
{{- if and (not $port.port) (not (has $name (list "traefik" "metrics"))) -}}
{{- fail (printf "ports.%s.port: required" $name) -}}
{{- end -}}
{{- with $port.redirectTo -}}
{{- $to := . }}{{ if kindIs "map" . }}{{ $to = .port }}{{ end -}}
{{- fail (printf "ports.%s.redirectTo: was removed; write ports.%s.http.redirections.entryPoint: {to: %v, scheme: https, permanent: true}" $name $name $to) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if or (dig "token" "" (default dict .Values.hub)) (dig "enabled" false (default dict .Values.hub)) -}}
{{- fail "hub: there is no Traefik Hub in Tidegate; remove hub.token" -}}
{{- end -}}
{{- end -}}

{{- /* A probe of a port that nobody serves would have every pod killed, again and again. */ -}}
{{- define "tidegate.checkStartup" -}}
{{- $asked := toString (dig "httpGet" "port" "" (default dict .Values.startupProbe)) -}}
{{- if regexMatch "^[0-9]+$" $asked -}}
{{- $served := list (toString (int .Values.admin.port)) -}}
{{- range $name, $port := .Values.ports -}}
{{- if and $port (not (has $name (list "traefik" "metrics"))) }}{{ $served = append $served (toString (int $port.port)) }}{{ end -}}
{{- end -}}
{{- if not (has $asked $served) -}}
{{- fail (printf "startupProbe.httpGet.port: nothing is served at port %s; /ping and /ready are at the port admin (%d)" $asked (int .Values.admin.port)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tidegate.isZero" -}}
{{- if has (toString .) (list "0" "0%" "<nil>") }}true{{ end -}}
{{- end -}}

{{- /* What an API server refuses, and what would never end. */ -}}
{{- define "tidegate.checkUpdate" -}}
{{- $type := .Values.updateStrategy.type -}}
{{- $rolling := default dict .Values.updateStrategy.rollingUpdate -}}
{{- $isSet := include "tidegate.isDaemonSet" . -}}
{{- if and $isSet (eq $type "Recreate") -}}
{{- fail "updateStrategy.type: a DaemonSet knows RollingUpdate and OnDelete" -}}
{{- end -}}
{{- if and (not $isSet) (eq $type "OnDelete") -}}
{{- fail "updateStrategy.type: a Deployment knows RollingUpdate and Recreate" -}}
{{- end -}}
{{- if eq $type "RollingUpdate" -}}
{{- $noSurge := include "tidegate.isZero" $rolling.maxSurge -}}
{{- $noGap := include "tidegate.isZero" $rolling.maxUnavailable -}}
{{- if and $noSurge $noGap -}}
{{- fail "updateStrategy.rollingUpdate: maxUnavailable and maxSurge cannot both be 0" -}}
{{- end -}}
{{- if and $isSet (not $noSurge) (not $noGap) (not (include "tidegate.holdsNodePorts" .)) -}}
{{- fail "updateStrategy.rollingUpdate: of a DaemonSet one of maxUnavailable and maxSurge must be 0" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What was set, is Traefik's, and has no effect here: said in the notes. */ -}}
{{- define "tidegate.withoutEffect" -}}
{{- $values := .Values -}}
{{- $without := list -}}
{{- range $path := list "tracing" "certificatesResolvers" "experimental" "api" "ingressRoute" "gateway" "gatewayClass" "ocsp" "providers.kubernetesGateway.enabled" "providers.kubernetesIngressNGINX.enabled" "providers.knative.enabled" "providers.precedence" "providers.kubernetesCRD.safeNaming" "providers.kubernetesCRD.defaultTLSResourcesNamespace" "accessLog.addInternals" "accessLog.bufferingSize" "accessLog.dualOutput" "accessLog.fields" "accessLog.filters" "accessLog.otlp.enabled" "accessLog.timezone" "log.noColor" "log.otlp.enabled" "metrics.addInternals" "metrics.otlp.enabled" "metrics.datadog" "metrics.influxdb2" "metrics.statsd" "metrics.prometheus.headerLabels" "metrics.prometheus.manualRouting" "core.strictTLSOptions" "global.azure.enabled" "versionOverride" "certResolvers" "podSecurityPolicy.enabled" "metrics.prometheus.disableAPICheck" "deployment.goMemLimitPercentage" "global.checkNewVersion" "global.sendAnonymousUsage" -}}
{{- $value := $values -}}
{{- range splitList "." $path -}}
{{- if kindIs "map" $value }}{{ $value = index $value . }}{{ else }}{{ $value = "" }}{{ end -}}
{{- end -}}
{{- if $value }}{{ $without = append $without (trimSuffix ".enabled" $path) }}{{ end -}}
{{- end -}}
{{- range $name, $port := .Values.ports -}}
{{- if $port -}}
{{- if has $name (list "traefik" "metrics") -}}
{{- $without = append $without (printf "ports.%s (see admin.port)" $name) -}}
{{- else -}}
{{- range $key := list "http3" "http2" "observability" "uplink" -}}
{{- $value := index $port $key -}}
{{- if and $value (not (and (kindIs "map" $value) (hasKey $value "enabled") (not (index $value "enabled")))) -}}
{{- $without = append $without (printf "ports.%s.%s" $name $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.deployment.healthchecksPort }}{{ $without = append $without "deployment.healthchecksPort (see admin.port)" }}{{ end -}}
{{- if .Values.metrics.prometheus.entryPoint }}{{ $without = append $without "metrics.prometheus.entryPoint (see admin.port)" }}{{ end -}}
{{- if and (include "tidegate.isDaemonSet" .) (ne (int .Values.deployment.replicas) 1) -}}
{{- $without = append $without "deployment.replicas (a DaemonSet has one pod a node)" -}}
{{- end -}}
{{- join ", " $without -}}
{{- end -}}

{{- /* An object of values that was set to null is an empty one: what it says is off. At the head of every file. */ -}}
{{- define "tidegate.fill" -}}
{{- $values := .Values -}}
{{- include "tidegate.older" . -}}
{{- range $key := list "image" "deployment" "updateStrategy" "log" "admin" "ports" "persistence" -}}
{{- if kindIs "invalid" (index $values $key) }}{{ fail (printf "%s: must not be null" $key) }}{{ end -}}
{{- end -}}
{{- range $path := list "kernelPlane" "podDisruptionBudget" "ingressClass" "core" "global" "providers" "providers.kubernetesCRD" "providers.kubernetesIngress" "providers.kubernetesIngress.publishedService" "providers.kubernetesIngress.ingressEndpoint" "providers.file" "accessLog" "metrics" "metrics.prometheus" "metrics.prometheus.service" "metrics.prometheus.serviceMonitor" "metrics.prometheus.prometheusRule" "metrics.grafanaDashboard" "service" "service.additionalServices" "autoscaling" "rbac" "serviceAccount" "podSecurityContext" -}}
{{- $at := $values -}}
{{- range $key := splitList "." $path -}}
{{- if kindIs "invalid" (index $at $key) }}{{ $_ := set $at $key dict }}{{ end -}}
{{- $at = index $at $key -}}
{{- end -}}
{{- end -}}
{{- $defaults := list (list "deployment" "kind" "DaemonSet") (list "deployment" "replicas" 1) (list "updateStrategy" "type" "RollingUpdate") (list "kernelPlane" "pinFolder" "/sys/fs/bpf/tidegate") (list "kernelPlane" "mode" "auto") (list "kernelPlane" "capabilities" (list "BPF" "NET_ADMIN" "PERFMON")) (list "admin" "port" 9180) (list "log" "level" "INFO") -}}
{{- range $defaults -}}
{{- $of := index $values (index . 0) -}}
{{- if kindIs "invalid" (index $of (index . 1)) }}{{ $_ := set $of (index . 1) (index . 2) }}{{ end -}}
{{- end -}}
{{- end -}}
