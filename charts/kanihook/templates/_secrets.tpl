{{/*
Every secret that is given, as a YAML list of { env, path, worker, value, secret, key }: kanihook reads
the setting `env` from the file `path`, which is `key` of the Secret `secret`. `value` is there where the
chart makes the Secret; with `worker` it is for the worker alone.
*/}}
{{- define "kanihook.secrets" -}}
{{- $all := list -}}
{{- range $forge := include "kanihook.forges" . | fromYamlArray -}}
{{- $own := get $.Values.forges $forge -}}
{{- $all = append $all (dict "env" (printf "%s_WEBHOOK_SECRETS" (upper $forge)) "of" $own.webhookSecrets "worker" false) -}}
{{- $all = append $all (dict "env" (printf "%s_TOKEN" (upper $forge)) "of" $own.token "worker" true) -}}
{{- if $own.app -}}
{{- $all = append $all (dict "env" (printf "%s_APP_PRIVATE_KEY" (upper $forge)) "of" $own.app.privateKey "worker" true) -}}
{{- end -}}
{{- end -}}
{{- $all = append $all (dict "env" "ADMIN_TOKENS" "of" .Values.adminTokens "worker" false) -}}
{{- $all = append $all (dict "env" "LINK_SECRETS" "of" .Values.linkSecrets "worker" false) -}}
{{- if .Values.redis.bundled.enabled -}}
{{- $bundled := dict "name" (include "kanihook.componentName" (dict "root" . "component" "redis")) "key" "redis-url" -}}
{{- $all = append $all (dict "env" "REDIS_URL" "of" (dict "value" "" "existingSecret" $bundled) "worker" false) -}}
{{- else -}}
{{- $all = append $all (dict "env" "REDIS_URL" "of" .Values.redis.url "worker" false) -}}
{{- end -}}
{{- $entries := list -}}
{{- range $all -}}
{{- if include "kanihook.given" .of -}}
{{- $path := lower .env | replace "_" "-" -}}
{{- $entry := dict "env" .env "path" $path "worker" .worker -}}
{{- if .of.existingSecret.name -}}
{{- $entry = merge $entry (dict "value" "" "secret" .of.existingSecret.name "key" .of.existingSecret.key) -}}
{{- else -}}
{{- $entry = merge $entry (dict "value" .of.value "secret" (include "kanihook.fullname" $) "key" $path) -}}
{{- end -}}
{{- $entries = append $entries $entry -}}
{{- end -}}
{{- end -}}
{{- toYaml $entries -}}
{{- end -}}

{{/* Those of a role. dict: root, worker (whether the component has that role) */}}
{{- define "kanihook.secretsOf" -}}
{{- $entries := list -}}
{{- range include "kanihook.secrets" .root | fromYamlArray -}}
{{- if or $.worker (not .worker) -}}
{{- $entries = append $entries . -}}
{{- end -}}
{{- end -}}
{{- toYaml $entries -}}
{{- end -}}

{{/* Changes when a Secret of the chart's own that a component reads does. dict: root, worker */}}
{{- define "kanihook.secretsChecksum" -}}
{{- $values := list -}}
{{- range include "kanihook.secretsOf" . | fromYamlArray -}}
{{- $values = append $values (printf "%s=%s" .env .value) -}}
{{- end -}}
{{- if .root.Values.redis.bundled.enabled -}}
{{- $values = append $values (include "kanihook.redisPassword" .root) -}}
{{- end -}}
{{- join "\n" $values | sha256sum -}}
{{- end -}}

{{/* One for a whole rendering: the given one, the one made before, or a new one. */}}
{{- define "kanihook.redisPassword" -}}
{{- $bundled := .Values.redis.bundled -}}
{{- if not $bundled.password -}}
{{- $name := include "kanihook.componentName" (dict "root" . "component" "redis") -}}
{{- $made := lookup "v1" "Secret" .Release.Namespace $name -}}
{{- $kept := dig "data" "password" "" ($made | default dict) | b64dec -}}
{{- $_ := set $bundled "password" ($kept | default (randAlphaNum 32)) -}}
{{- end -}}
{{- $bundled.password -}}
{{- end -}}
