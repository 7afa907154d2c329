{{- /* What is read in the namespaces that are watched, and what is written there. */ -}}
{{- define "tidegate.namespacedRules" -}}
- apiGroups: [""]
  resources: [services, {{ if not .Values.rbac.secretResourceNames }}secrets, {{ end }}configmaps]
  verbs: [list, watch]
{{- with .Values.rbac.secretResourceNames }}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ toJson . }}
  verbs: [list, watch]
{{- end }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- if .Values.providers.kubernetesCRD.enabled }}
- apiGroups: [traefik.io]
  resources:
    - ingressroutes
    - ingressroutetcps
    - ingressrouteudps
    - middlewares
    - middlewaretcps
    - serverstransports
    - serverstransporttcps
    - tlsoptions
    - tlsstores
    - traefikservices
  verbs: [list, watch]
{{- end }}
- apiGroups: [tidegate.io]
  resources: [sourcepolicies, virtualaddresses]
  verbs: [list, watch]
- apiGroups: [tidegate.io]
  resources: [sourcepolicies/status, virtualaddresses/status]
  verbs: [patch]
{{- if .Values.providers.kubernetesIngress.enabled }}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch]
{{- end }}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- define "tidegate.clusterRules" -}}
- apiGroups: [""]
  resources: [nodes]
  verbs: [list, watch]
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [watch]
{{- if and .Values.providers.kubernetesIngress.enabled (not .Values.providers.kubernetesIngress.disableIngressClassLookup) }}
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [list, watch]
{{- end }}
{{- end -}}
