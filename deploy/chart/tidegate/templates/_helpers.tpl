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

{{- define "tidegate.className" -}}
{{- default (include "tidegate.name" .) .Values.ingressClass.name -}}
{{- end -}}

{{- define "tidegate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tidegate.name" . }}
app.kubernetes.io/instance: {{ default (printf "%s-%s" .Release.Name (include "tidegate.namespace" .)) .Values.instanceLabelOverride }}
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
{{- if and .Values.kernelPlane.enabled (not .Values.hostNetwork) (include "tidegate.isDaemonSet" .) -}}
{{- fail "kernelPlane.enabled: needs hostNetwork=true, since XDP works on the node's interfaces; or set kernelPlane.enabled=false" -}}
{{- end -}}
{{- if and .Values.hostNetwork (include "tidegate.isDaemonSet" .) (eq .Values.updateStrategy.type "RollingUpdate") -}}
{{- if and (not .Values.updateStrategy.rollingUpdate.maxUnavailable) (not .Values.updateStrategy.rollingUpdate.maxSurge) -}}
{{- fail "updateStrategy.rollingUpdate: maxUnavailable and maxSurge cannot both be 0" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.rbac.namespaced (not .Values.providers.kubernetesIngress.disableIngressClassLookup) .Values.providers.kubernetesIngress.enabled -}}
{{- fail "rbac.namespaced: IngressClasses belong to the cluster; set providers.kubernetesIngress.disableIngressClassLookup=true or providers.kubernetesIngress.enabled=false" -}}
{{- end -}}
{{- range $name, $port := .Values.ports -}}
{{- if $port -}}
{{- if not $port.port -}}
{{- fail (printf "ports.%s.port: required" $name) -}}
{{- end -}}
{{- if hasKey $port "redirectTo" -}}
{{- fail (printf "ports.%s.redirectTo: was removed; use ports.%s.http.redirections.entryPoint" $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if or (dig "token" "" (default dict .Values.hub)) (dig "enabled" false (default dict .Values.hub)) -}}
{{- fail "hub: there is no Traefik Hub in Tidegate; remove hub.token" -}}
{{- end -}}
{{- end -}}
