{{/*
What the schema cannot say: values that do not go together, and texts of which a sentence says more than
a pattern. All faults are told at once; none repeats a secret.
*/}}
{{- define "kanihook.faults" -}}
{{- $faults := list -}}
{{- range $part := list "basics" "forges" "redis" "builds" "reach" "deployments" "network" -}}
{{- range include (printf "kanihook.faults.%s" $part) $ | splitList "\n" -}}
{{- with trim . -}}{{ $faults = append $faults . }}{{- end -}}
{{- end -}}
{{- end -}}
{{- if $faults -}}
{{- printf "\n\nThe chart cannot be installed with these values:\n  - %s\n" (join "\n  - " $faults) | fail -}}
{{- end -}}
{{- end -}}

{{- define "kanihook.faults.basics" -}}
{{- if not .Values.publicUrl }}
publicUrl is missing: set it to where the forges and people reach kanihook, such as https://kanihook.acme.io
{{- else if not (include "kanihook.isUrl" .Values.publicUrl) }}
publicUrl is not a URL: write it as https://kanihook.acme.io, without login, ? and #
{{- end }}
{{- if gt (len .Values.fullnameOverride) 50 }}
fullnameOverride has more than 50 characters: shorten it, as suffixes are added to it
{{- end }}
{{- if and .Values.image.digest (not (regexMatch "^sha256:[0-9a-f]{64}$" .Values.image.digest)) }}
image.digest is not a digest: write sha256: and 64 hexadecimal digits, or use image.tag
{{- end }}
{{- if and .Values.config .Values.existingConfigMap.name }}
config and existingConfigMap.name are both set: keep one
{{- else if not (or .Values.config .Values.existingConfigMap.name) }}
config is missing: say under it what is built, as in kanihook.yaml, or name a ConfigMap in existingConfigMap.name
{{- else if and .Values.config (not .Values.config.repositories) }}
config.repositories is missing: name at least one repository to build
{{- end }}
{{- if and .Values.config.uploads (not .Values.uploads.enabled) }}
config.uploads is set, while uploads.enabled is not: no process takes uploads so, set it, or leave config.uploads out
{{- end }}
{{- if and .Values.existingConfigMap.name (not .Values.existingConfigMap.key) }}
existingConfigMap.key is empty: name the key that holds kanihook.yaml
{{- end }}
{{- range $name := list "buildRetention" "logRetention" "shutdownTimeout" }}
{{- if eq (include "kanihook.seconds" (get $.Values.settings $name)) "0" }}
settings.{{ $name }} is not a duration: write a whole number and a unit, such as 25s, 30m, 168h or 7d
{{- end }}
{{- end }}
{{- if and (ne .Values.settings.sweepInterval "off") (eq (include "kanihook.seconds" .Values.settings.sweepInterval) "0") }}
settings.sweepInterval is not a duration: write a whole number and a unit, such as 10m, or off
{{- end }}
{{- if gt (include "kanihook.seconds" .Values.settings.shutdownTimeout | int64) 3600 }}
settings.shutdownTimeout is more than 1h: kanihook takes at most that
{{- end }}
{{- include "kanihook.faultsOfSecret" (list "adminTokens" .Values.adminTokens) }}
{{- include "kanihook.faultsOfSecret" (list "linkSecrets" .Values.linkSecrets) }}
{{- end -}}

{{/* list: name, secret */}}
{{- define "kanihook.faultsOfSecret" -}}
{{- $name := index . 0 -}}
{{- $secret := index . 1 -}}
{{- if and $secret.value $secret.existingSecret.name }}
{{ $name }}.value and {{ $name }}.existingSecret.name are both set: keep one
{{- end }}
{{- if and $secret.existingSecret.name (not $secret.existingSecret.key) }}
{{ $name }}.existingSecret.key is empty: name the key of the Secret {{ $secret.existingSecret.name }}
{{- end }}
{{- end -}}

{{- define "kanihook.faults.forges" -}}
{{- if not (include "kanihook.forges" . | fromYamlArray) }}
no forge is on: give the webhookSecrets of forges.github, forges.gitlab or forges.gitea
{{- end }}
{{- range $forge, $own := .Values.forges }}
{{- $name := printf "forges.%s" $forge }}
{{- $on := has $forge (include "kanihook.forges" $ | fromYamlArray) }}
{{- $token := include "kanihook.given" $own.token }}
{{- $app := $own.app | default dict }}
{{- $key := "" }}
{{- if $app }}{{ $key = include "kanihook.given" $app.privateKey }}{{ end }}
{{- include "kanihook.faultsOfSecret" (list (printf "%s.webhookSecrets" $name) $own.webhookSecrets) }}
{{- include "kanihook.faultsOfSecret" (list (printf "%s.token" $name) $own.token) }}
{{- if $app }}{{ include "kanihook.faultsOfSecret" (list (printf "%s.app.privateKey" $name) $app.privateKey) }}{{ end }}
{{- range $field := list "url" "apiUrl" }}
{{- $url := get $own $field }}
{{- if and $url (not (include "kanihook.isUrl" $url)) }}
{{ $name }}.{{ $field }} is not a URL: write it as https://git.acme.io, without login, ? and #
{{- end }}
{{- end }}
{{- if and $own.sshUrl (not (regexMatch "^ssh://[A-Za-z0-9_][A-Za-z0-9_.-]*@[^\\s/@:]+(:[0-9]{1,5})?/?$" $own.sshUrl)) }}
{{ $name }}.sshUrl is not a URL: write it as ssh://git@git.acme.io:2222, without a path
{{- end }}
{{- if and (not $on) (or $token $key $app.id) }}
{{ $name }} has a login and no webhookSecrets: give them to turn the forge on, or leave the login out
{{- end }}
{{- if $on }}
{{- if and $token (or $key $app.id) }}
{{ $name }}.token and {{ $name }}.app are both set: keep one
{{- else if and $app.id (not $key) }}
{{ $name }}.app.privateKey is missing, while {{ $name }}.app.id is set: an app needs both
{{- else if and $key (not $app.id) }}
{{ $name }}.app.id is missing, while {{ $name }}.app.privateKey is set: an app needs both
{{- else if not (or $token $key) }}
{{ $name }}.token is missing: the worker posts statuses and clones with it{{ if $app }} (or give {{ $name }}.app){{ end }}
{{- end }}
{{- if and (eq $forge "gitea") (not $own.url) }}
{{ $name }}.url is missing: set it to where people open Gitea, such as https://git.acme.io
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "kanihook.faults.redis" -}}
{{- $given := include "kanihook.given" .Values.redis.url }}
{{- with .Values.redis }}
{{- if and $given .bundled.enabled }}
redis.url and redis.bundled.enabled are both set: keep one
{{- else if not (or $given .bundled.enabled) }}
redis.url is missing: give it (value or existingSecret), or set redis.bundled.enabled to try kanihook out
{{- end }}
{{- include "kanihook.faultsOfSecret" (list "redis.url" .url) }}
{{- if and .url.value (not (regexMatch "^rediss?://[^\\s/]+(/\\S*)?$" .url.value)) }}
redis.url.value is not a Redis URL: write it as redis://user:password@host:6379/0 (rediss:// for TLS)
{{- end }}
{{- if not (regexMatch "^[A-Za-z0-9_-]*$" .bundled.password) }}
redis.bundled.password has other characters than letters, digits, - and _: leave those out
{{- end }}
{{- if not (regexMatch "^[1-9][0-9]*([kmg]b?)?$" (lower .bundled.maxmemory)) }}
redis.bundled.maxmemory is not a size: write it as Redis does, such as 256mb
{{- end }}
{{- if and .bundled.persistence.existingClaim (not .bundled.persistence.enabled) }}
redis.bundled.persistence.existingClaim is set, while redis.bundled.persistence.enabled is false: keep one
{{- end }}
{{- end }}
{{- end -}}

{{- define "kanihook.faults.builds" -}}
{{- with .Values.buildNamespace }}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" .name) }}
buildNamespace.name is not the name of a namespace: write at most 63 lower-case letters, digits and -
{{- else if eq .name $.Release.Namespace }}
buildNamespace.name is the release's own namespace: choose another one, as the worker may read the Secrets in it and builds run there
{{- end }}
{{- if .create }}
{{- with lookup "v1" "Namespace" "" .name }}
{{- $annotations := .metadata.annotations | default dict }}
{{- if or (ne (get $annotations "meta.helm.sh/release-name") $.Release.Name) (ne (get $annotations "meta.helm.sh/release-namespace") $.Release.Namespace) }}
buildNamespace.name: the namespace {{ .metadata.name }} exists and is not this release's: set buildNamespace.create to false to use it as it is, or choose another name
{{- end }}
{{- end }}
{{- end }}
{{- if and .keep (not .create) }}
buildNamespace.keep is set, while buildNamespace.create is false: the namespace is not the chart's, leave keep out. (To hand over one that the chart made, upgrade with keep first, and then with create: false)
{{- end }}
{{- end }}
{{- $namespaces := include "kanihook.buildNamespaces" . | fromYamlArray }}
{{- if has .Release.Namespace .Values.buildNamespace.more }}
buildNamespace.more has the release's own namespace: choose another one, as the worker may read the Secrets in it and builds run there
{{- end }}
{{- range .Values.config.repositories }}
{{- if and .namespace (not (has .namespace $namespaces)) }}
config: {{ .match }} is built in the namespace {{ .namespace }}, which is not in buildNamespace.more: add it, so that the worker gets its Role there
{{- end }}
{{- end }}
{{- with .Values.registryCredentials }}
{{- if and .registry (not (and .username .password)) }}
registryCredentials.registry is set without username and password: give both
{{- end }}
{{- if and (not .registry) (or .username .password) }}
registryCredentials.registry is missing: name the host that the login is for
{{- end }}
{{- end }}
{{- end -}}

{{- define "kanihook.faults.reach" -}}
{{- $host := include "kanihook.publicHost" . }}
{{- $isName := regexMatch "^([a-zA-Z0-9-]+\\.)*[a-zA-Z0-9-]*[a-zA-Z][a-zA-Z0-9-]*$" $host }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) .Values.publicUrl (not $isName) }}
ingress.hosts is empty, and the host of publicUrl is not a name that an Ingress can have: name one
{{- end }}
{{- with .Values.gateway }}
{{- if and .enabled (not .hostnames) $.Values.publicUrl (not $isName) }}
gateway.hostnames is empty, and the host of publicUrl is not a name that an HTTPRoute can have: name one
{{- end }}
{{- if and .enabled (not .parentRefs) }}
gateway.parentRefs is empty: name the Gateway that the route belongs to
{{- end }}
{{- end }}
{{- if and .Values.gateway.enabled (include "kanihook.publicPath" .) }}
gateway.enabled is set, while publicUrl has the path {{ include "kanihook.publicPath" . }}: kanihook serves at /, so give it a host of its own, or route to it yourself and take the path off
{{- end }}
{{- with .Values.service }}
{{- if eq .type "ClusterIP" }}
{{- range $field := list "nodePort" "externalTrafficPolicy" }}
{{- if get $.Values.service $field }}
service.{{ $field }} is set, while service.type is ClusterIP: leave it out, or choose NodePort or LoadBalancer
{{- end }}
{{- end }}
{{- end }}
{{- if ne .type "LoadBalancer" }}
{{- range $field := list "loadBalancerClass" "loadBalancerSourceRanges" }}
{{- if get $.Values.service $field }}
service.{{ $field }} is set, while service.type is {{ $.Values.service.type }}: leave it out, or choose LoadBalancer
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the chart sets in the environment, and kanihook's name for each secret. */}}
{{- define "kanihook.ownVariables" -}}
^(KANIHOOK_ROLES|KANIHOOK_CONFIG|PORT|ADMIN_PORT|PUBLIC_URL|LOG_LEVEL|LOG_FORMAT|PAGES|BUILD_RETENTION|LOG_RETENTION|SHUTDOWN_TIMEOUT|MAX_BUILDS|MAX_BUILDS_PER_REPOSITORY|SWEEP_INTERVAL|BUILD_NAMESPACE|KANIKO_IMAGE|KANIKO_SHELL|CLONE_IMAGE|SCAN_IMAGE|PUBLISH_IMAGE|REDIS_URL|ADMIN_TOKENS|LINK_SECRETS|(GITHUB|GITLAB|GITEA)_(URL|API_URL|WEBHOOK_SECRETS|TOKEN|APP_ID|APP_PRIVATE_KEY))(_FILE)?$
{{- end -}}

{{- define "kanihook.faults.deployments" -}}
{{- $variables := include "kanihook.ownVariables" . }}
{{- range $component := eq .Values.mode "single" | ternary (list "single") (list "receiver" "worker") }}
{{- $own := get $.Values $component }}
{{- range $own.extraEnv }}
{{- if regexMatch $variables (toString .name) }}
{{ $component }}.extraEnv sets {{ .name }}, which the chart sets: use the value for it
{{- end }}
{{- end }}
{{- $stop := include "kanihook.stopSeconds" (dict "root" $ "component" $component) | int64 }}
{{- $grace := $own.terminationGracePeriodSeconds | int64 }}
{{- if and $grace (le $grace $stop) }}
{{ $component }}.terminationGracePeriodSeconds is {{ $grace }}: a stop may take {{ $stop }} seconds, say more than that, or 0
{{- end }}
{{- $autoscaling := $own.autoscaling | default dict }}
{{- if and $autoscaling.enabled (gt ($autoscaling.minReplicas | int64) ($autoscaling.maxReplicas | int64)) }}
{{ $component }}.autoscaling.minReplicas is more than maxReplicas: lower it
{{- end }}
{{- $pods := dig "enabled" false $autoscaling | ternary $autoscaling.minReplicas $own.replicas | int64 }}
{{- $budget := $own.podDisruptionBudget }}
{{- if and $budget.enabled (or (eq (toString $budget.minAvailable) "100%") (and (eq (toString $budget.minAvailable) "") (regexMatch "^0%?$" (toString $budget.maxUnavailable)))) }}
{{ $component }}.podDisruptionBudget lets no pod go: no node could be drained, say maxUnavailable: 1
{{- end }}
{{- if and $budget.enabled (regexMatch "^[0-9]+$" (toString $budget.minAvailable)) (gt $pods 0) (ge ($budget.minAvailable | int64) $pods) }}
{{ $component }}.podDisruptionBudget.minAvailable is {{ $budget.minAvailable }} of {{ $pods }}: no node could be drained, say less
{{- end }}
{{- end }}
{{- range $component := eq .Values.mode "single" | ternary (list "receiver" "worker") (list "single") }}
{{- $own := get $.Values $component }}
{{- $instead := eq $component "single" | ternary "receiver and worker, or choose mode single" "single, or choose mode split" }}
{{- if dig "autoscaling" "enabled" false $own }}
{{ $component }}.autoscaling.enabled is set, while mode is single: choose mode split, or leave it out
{{- end }}
{{- /* What values.yaml has: a template cannot see the chart's own values beside the given ones. */}}
{{- if ne (int64 $own.replicas) (eq $component "single" | ternary 1 2 | int64) }}
{{ $component }}.replicas is {{ $own.replicas }}, while mode is {{ $.Values.mode }}: say it under {{ $instead }}
{{- end }}
{{- range $field := list "affinity" "annotations" "extraEnv" "extraEnvFrom" "extraVolumeMounts" "extraVolumes" "nodeSelector" "podAnnotations" "podLabels" "priorityClassName" "terminationGracePeriodSeconds" "tolerations" }}
{{- if get $own $field }}
{{ $component }}.{{ $field }} is set, while mode is {{ $.Values.mode }}: say it under {{ $instead }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.worker.autoscaling }}
{{- if and .enabled (eq .kind "hpa") }}
{{- if not .hpa.metrics }}
worker.autoscaling.hpa.metrics is empty: give the metric to scale by, or choose kind keda
{{- end }}
{{- if or .keda.prometheusUrl .keda.triggers }}
worker.autoscaling.keda is set, while worker.autoscaling.kind is hpa: two autoscalers would fight, keep one
{{- end }}
{{- else if .enabled }}
{{- if .hpa.metrics }}
worker.autoscaling.hpa is set, while worker.autoscaling.kind is keda: two autoscalers would fight, keep one
{{- end }}
{{- if and .keda.prometheusUrl .keda.triggers }}
worker.autoscaling.keda.prometheusUrl and worker.autoscaling.keda.triggers are both set: keep one
{{- else if not (or .keda.prometheusUrl .keda.triggers) }}
worker.autoscaling.keda.prometheusUrl is missing: name the Prometheus that scrapes kanihook, or give triggers of your own
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "kanihook.faults.network" -}}
{{- with .Values.networkPolicy }}
{{- if and .enabled $.Values.metrics.serviceMonitor.enabled (not .metrics.from) }}
networkPolicy.metrics.from is empty, while metrics.serviceMonitor.enabled is set: say where Prometheus is, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
{{- end }}
{{- range $name, $cidrs := dict "metadataCidrs" .metadataCidrs "apiServer.cidrs" .apiServer.cidrs "builds.exceptCidrs" .builds.exceptCidrs }}
{{- range $cidrs }}
{{- if not (regexMatch "^([0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/[0-9]{1,3})$" (toString .)) }}
networkPolicy.{{ $name }} holds {{ . }}, which is not a CIDR: write one address as 10.0.0.1/32 or fd00::1/128
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
