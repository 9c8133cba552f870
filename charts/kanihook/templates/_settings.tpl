{{/* Values that are read by more than one template. All of them bear values that validation refuses. */}}

{{/* 25s, 30m, 168h, 7d → seconds; 0 for anything else. */}}
{{- define "kanihook.seconds" -}}
{{- $text := toString . -}}
{{- if regexMatch "^[0-9]{1,9}[smhd]$" $text -}}
{{- $unit := get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) (trunc -1 $text) -}}
{{- mul (trimSuffix (trunc -1 $text) $text | int64) $unit -}}
{{- else -}}
0
{{- end -}}
{{- end -}}

{{/* How long a component's pods need to stop, in seconds. dict: root, component */}}
{{- define "kanihook.stopSeconds" -}}
{{- $own := get .root.Values .component -}}
{{- add ($own.preStopSeconds | default 0) (include "kanihook.seconds" .root.Values.settings.shutdownTimeout | int64) -}}
{{- end -}}

{{- define "kanihook.isUrl" -}}
{{- if regexMatch "^https?://[^\\s/?#@]+(/[^\\s?#]*)?$" (toString .) -}}yes{{- end -}}
{{- end -}}

{{/* The host of publicUrl, without a port. */}}
{{- define "kanihook.publicHost" -}}
{{- regexReplaceAll "^https?://([^/:]+).*$" .Values.publicUrl "${1}" -}}
{{- end -}}

{{/* The path of publicUrl, without a trailing slash: "" or /kanihook. */}}
{{- define "kanihook.publicPath" -}}
{{- regexReplaceAll "^https?://[^/]+(.*?)/*$" .Values.publicUrl "${1}" -}}
{{- end -}}

{{/* Whether the host of publicUrl is the Service's own name: "yes" or nothing. */}}
{{- define "kanihook.publicHostIsService" -}}
{{- $name := printf "^%s(\\.%s(\\.svc(\\..+)?)?)?$" (include "kanihook.fullname" .) .Release.Namespace -}}
{{- if regexMatch $name (include "kanihook.publicHost" .) -}}yes{{- end -}}
{{- end -}}

{{/*
Every pushSecret that config names, as a YAML list of { name, hosts }: the registries that it is for.
*/}}
{{- define "kanihook.pushSecrets" -}}
{{- $defaults := .Values.config.defaults | default dict -}}
{{- $names := list -}}
{{- $hosts := dict -}}
{{- range $entry := .Values.config.repositories -}}
{{- range $image := $entry.images | default (list dict) -}}
{{- $name := coalesce $image.pushSecret $entry.pushSecret $defaults.pushSecret -}}
{{- $destination := coalesce $image.destination $entry.destination $defaults.destination -}}
{{- if $name -}}
{{- $names = append $names $name -}}
{{- $host := regexFind "^[^/]+" (toString $destination) -}}
{{- $_ := set $hosts $name (append (get $hosts $name | default list) $host | compact | uniq) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $all := list -}}
{{- range $name := uniq $names -}}
{{- $all = append $all (dict "name" $name "hosts" (get $hosts $name)) -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* Whether anything in config is built with Tekton; empty: nothing, or config is another's. */}}
{{- define "kanihook.wantsTekton" -}}
{{- $defaults := .Values.config.defaults | default dict -}}
{{- range $entry := .Values.config.repositories -}}
{{- range $image := $entry.images | default (list dict) -}}
{{- if eq (coalesce $image.backend $defaults.backend "job") "tekton" -}}true{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "kanihook.webhookUrl" -}}
{{- printf "%s/webhooks/%s" (trimSuffix "/" .root.Values.publicUrl) .forge -}}
{{- end -}}

{{/* The port of a URL. dict: url, default (when it says none) */}}
{{- define "kanihook.urlPort" -}}
{{- $port := regexFind ":[0-9]+$" (regexReplaceAll "^[a-z]+://([^@/]*@)?([^/?#]*).*$" .url "${2}") | trimPrefix ":" -}}
{{- $port | default .default -}}
{{- end -}}

{{/* Whether a secret is given: "yes" or nothing. */}}
{{- define "kanihook.given" -}}
{{- if or .value .existingSecret.name -}}yes{{- end -}}
{{- end -}}

{{/* Every namespace that builds run in, as a YAML list. */}}
{{- define "kanihook.buildNamespaces" -}}
{{- prepend .Values.buildNamespace.more .Values.buildNamespace.name | uniq | toYaml -}}
{{- end -}}

{{/* Whether a forge has a login: "yes" or nothing. */}}
{{- define "kanihook.hasLogin" -}}
{{- if or (include "kanihook.given" .token) (and .app (include "kanihook.given" .app.privateKey)) -}}yes{{- end -}}
{{- end -}}

{{/* The names of the forges that are on, as a YAML list. */}}
{{- define "kanihook.forges" -}}
{{- $on := list -}}
{{- range $name := list "github" "gitlab" "gitea" -}}
{{- $own := get $.Values.forges $name -}}
{{- if or (include "kanihook.given" $own.webhookSecrets) (and $.Values.entrySecrets.existingSecret.name (include "kanihook.hasLogin" $own)) -}}
{{- $on = append $on $name -}}
{{- end -}}
{{- end -}}
{{- toYaml $on -}}
{{- end -}}
