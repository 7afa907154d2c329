{{- /* The pod, the same for both kinds. */ -}}
{{- define "tidegate.pod" -}}
metadata:
  annotations:
    {{- if and .Values.metrics.prometheus.enabled (not .Values.metrics.prometheus.serviceMonitor.enabled) }}
    prometheus.io/scrape: "true"
    prometheus.io/path: /metrics
    prometheus.io/port: {{ .Values.admin.port | quote }}
    {{- end }}
    {{- if .Values.providers.file.enabled }}
    checksum/file-provider: {{ .Values.providers.file.content | toString | sha256sum }}
    {{- end }}
    {{- with .Values.deployment.podAnnotations }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  labels:
    {{- include "tidegate.labels" . | nindent 4 }}
    {{- with .Values.deployment.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "tidegate.serviceAccountName" . }}
  automountServiceAccountToken: true
  # The environment holds options; Services of the namespace have no business there.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.deployment.terminationGracePeriodSeconds }}
  hostNetwork: {{ .Values.hostNetwork }}
  {{- if .Values.deployment.dnsPolicy }}
  dnsPolicy: {{ .Values.deployment.dnsPolicy }}
  {{- else if .Values.hostNetwork }}
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  {{- with .Values.deployment.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.deployment.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.deployment.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.deployment.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- if not (kindIs "invalid" .Values.deployment.hostUsers) }}
  hostUsers: {{ .Values.deployment.hostUsers }}
  {{- end }}
  {{- if .Values.deployment.shareProcessNamespace }}
  shareProcessNamespace: true
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if or .Values.kernelPlane.enabled .Values.deployment.initContainers }}
  initContainers:
    {{- with .Values.deployment.initContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if .Values.kernelPlane.enabled }}
    # The only part with privileges: it leaves the kernel plane pinned behind and ends.
    - name: loader
      image: {{ include "tidegate.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [tidegate-loader]
      args:
        - up
        - "--folder={{ include "tidegate.pins" . }}"
        - "--mode={{ .Values.kernelPlane.mode }}"
        - "--group={{ .Values.podSecurityContext.runAsGroup }}"
        {{- range .Values.kernelPlane.interfaces }}
        - {{ . | quote }}
        {{- end }}
      securityContext:
        runAsUser: 0
        runAsGroup: 0
        runAsNonRoot: false
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
          add:
            {{- toYaml (append .Values.kernelPlane.capabilities "CHOWN") | nindent 12 }}
        seccompProfile:
          # The runtime's default profile lets bpf(2) through only with CAP_BPF, which is here.
          type: RuntimeDefault
      {{- with .Values.kernelPlane.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: bpffs
          mountPath: /bpf
    {{- end }}
  {{- end }}
  containers:
    - name: {{ include "tidegate.name" . }}
      image: {{ include "tidegate.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [tidegate]
      args:
        {{- include "tidegate.args" . | nindent 8 }}
      ports:
        {{- range $name, $port := .Values.ports }}
        {{- if and $port (not (has $name (list "traefik" "metrics"))) }}
        - name: {{ include "tidegate.portName" $name }}
          containerPort: {{ default $port.port $port.containerPort }}
          protocol: {{ default "TCP" $port.protocol }}
          {{- if $.Values.hostNetwork }}
          hostPort: {{ default $port.port $port.containerPort }}
          {{- else if $port.hostPort }}
          hostPort: {{ $port.hostPort }}
          {{- with $port.hostIP }}
          hostIP: {{ . }}
          {{- end }}
          {{- end }}
        {{- end }}
        {{- end }}
        - name: admin
          containerPort: {{ .Values.admin.port }}
          protocol: TCP
      readinessProbe:
        httpGet:
          path: {{ .Values.deployment.readinessPath }}
          port: {{ .Values.admin.port }}
          scheme: {{ default "HTTP" .Values.deployment.healthchecksScheme }}
          {{- with .Values.deployment.healthchecksHost }}
          host: {{ . }}
          {{- end }}
        {{- with .Values.readinessProbe }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      livenessProbe:
        httpGet:
          path: {{ .Values.deployment.livenessPath }}
          port: {{ .Values.admin.port }}
          scheme: {{ default "HTTP" .Values.deployment.healthchecksScheme }}
          {{- with .Values.deployment.healthchecksHost }}
          host: {{ . }}
          {{- end }}
        {{- with .Values.livenessProbe }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.startupProbe }}
      startupProbe:
        {{- if not (or .httpGet .exec .tcpSocket .grpc) }}
        httpGet:
          path: {{ $.Values.deployment.livenessPath }}
          port: {{ $.Values.admin.port }}
          scheme: {{ default "HTTP" $.Values.deployment.healthchecksScheme }}
          {{- with $.Values.deployment.healthchecksHost }}
          host: {{ . }}
          {{- end }}
        {{- end }}
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.deployment.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        {{- with .Values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        - name: run
          mountPath: /run/tidegate
        {{- if .Values.kernelPlane.enabled }}
        - name: pins
          mountPath: {{ include "tidegate.pins" . }}
        {{- end }}
        - name: {{ .Values.persistence.name }}
          mountPath: {{ .Values.persistence.path }}
          {{- with .Values.persistence.subPath }}
          subPath: {{ . }}
          {{- end }}
        {{- if .Values.providers.file.enabled }}
        - name: file-provider
          mountPath: /etc/tidegate/dynamic
          readOnly: true
        {{- end }}
        {{- range .Values.volumes }}
        - name: {{ tpl .name $ | replace "." "-" }}
          mountPath: {{ .mountPath }}
          readOnly: true
        {{- end }}
        {{- with .Values.additionalVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with .Values.deployment.additionalContainers }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  volumes:
    - name: tmp
      emptyDir: {{ toJson (default dict (default dict .Values.deployment.tmpVolume).emptyDir) }}
    - name: run
      emptyDir:
        medium: Memory
    {{- if .Values.kernelPlane.enabled }}
    - name: bpffs
      hostPath:
        path: {{ dir .Values.kernelPlane.pinFolder }}
        type: Directory
    # Mounted once the init container has made it.
    - name: pins
      hostPath:
        path: {{ .Values.kernelPlane.pinFolder }}
        type: ""
    {{- end }}
    - name: {{ .Values.persistence.name }}
      {{- if .Values.persistence.enabled }}
      persistentVolumeClaim:
        claimName: {{ default (include "tidegate.fullname" .) .Values.persistence.existingClaim }}
      {{- else }}
      emptyDir: {{ toJson (default dict .Values.persistence.emptyDir) }}
      {{- end }}
    {{- if .Values.providers.file.enabled }}
    - name: file-provider
      configMap:
        name: {{ include "tidegate.fullname" . }}-file-provider
    {{- end }}
    {{- range .Values.volumes }}
    - name: {{ tpl .name $ | replace "." "-" }}
      {{- if eq .type "secret" }}
      secret:
        secretName: {{ tpl .name $ }}
      {{- else if eq .type "configMap" }}
      configMap:
        name: {{ tpl .name $ }}
      {{- end }}
    {{- end }}
    {{- with .Values.deployment.additionalVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
{{- end -}}
