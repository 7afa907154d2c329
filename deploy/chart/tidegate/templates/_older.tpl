{{- /* Values of Traefik's chart before version 38, put where those of today are; what is gone by then is done. */ -}}
{{- define "tidegate.older" -}}
{{- $values := .Values -}}
{{- range $old, $new := dict "general" "log" "access" "accessLog" -}}
{{- range $key, $value := index (default dict $values.logs) $old -}}
{{- if kindIs "invalid" (index $values $new) }}{{ $_ := set $values $new dict }}{{ end -}}
{{- $_ := set (index $values $new) $key $value -}}
{{- end -}}
{{- end -}}
{{- $_ := unset $values "logs" -}}
{{- range $name, $port := $values.ports -}}
{{- if $port -}}
{{- if kindIs "bool" $port.expose }}{{ $_ := set $port "expose" (dict "default" $port.expose) }}{{ end -}}
{{- range $key := list "redirections" "tls" "middlewares" -}}
{{- if hasKey $port $key -}}
{{- $http := default dict $port.http -}}
{{- $value := index $port $key -}}
{{- if kindIs "map" $value }}{{ $value = include "tidegate.laidOver" (dict "base" (index $http $key) "over" $value) | fromJson }}{{ end -}}
{{- $_ := set $http $key $value -}}
{{- $_ := set $port "http" $http -}}
{{- $_ := unset $port $key -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key := list "type" "ipFamilies" "ipFamilyPolicy" -}}
{{- if hasKey (default dict $values.service) $key -}}
{{- $spec := default dict $values.service.spec -}}
{{- if index $values.service $key }}{{ $_ := set $spec $key (index $values.service $key) }}{{ end -}}
{{- $_ := set $values.service "spec" $spec -}}
{{- $_ := unset $values.service $key -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* A false, too, counts over a true: sprig's merge would leave it out. */ -}}
{{- define "tidegate.laidOver" -}}
{{- $base := default dict .base -}}
{{- range $key, $value := .over }}{{ $_ := set $base $key $value }}{{ end -}}
{{- toJson $base -}}
{{- end -}}

{{- /* What Traefik's users name in templates of their own, as in the examples of its values: affinity, topologySpreadConstraints. */ -}}
{{- define "traefik.name" }}{{ include "tidegate.name" . }}{{ end -}}
{{- define "traefik.fullname" }}{{ include "tidegate.fullname" . }}{{ end -}}
{{- define "traefik.namespace" }}{{ include "tidegate.namespace" . }}{{ end -}}
{{- define "traefik.labels" }}{{ include "tidegate.labels" . }}{{ end -}}
{{- define "traefik.labelselector" }}{{ include "tidegate.selectorLabels" . }}{{ end -}}
