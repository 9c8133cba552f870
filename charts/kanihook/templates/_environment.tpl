{{/* env of a component. dict: root, component, receiver, worker (whether it has the role) */}}
{{- define "kanihook.env" -}}
{{- $values := .root.Values -}}
{{- $roles := list -}}
{{- if .receiver }}{{ $roles = append $roles "receiver" }}{{ end -}}
{{- if .worker }}{{ $roles = append $roles "worker" }}{{ end -}}
- name: KANIHOOK_ROLES
  value: {{ join "," $roles }}
- name: KANIHOOK_CONFIG
  value: /etc/kanihook/kanihook.yaml
{{- if .receiver }}
- name: PORT
  value: '8080'
{{- end }}
- name: ADMIN_PORT
  value: '9090'
- name: PUBLIC_URL
  value: {{ $values.publicUrl | quote }}
{{- with $values.settings }}
- name: LOG_LEVEL
  value: {{ .logLevel | quote }}
- name: LOG_FORMAT
  value: {{ .logFormat | quote }}
- name: PAGES
  value: {{ .pages | quote }}
- name: BUILD_RETENTION
  value: {{ .buildRetention | quote }}
- name: LOG_RETENTION
  value: {{ .logRetention | quote }}
- name: SHUTDOWN_TIMEOUT
  value: {{ .shutdownTimeout | quote }}
{{- if $.worker }}
- name: MAX_BUILDS
  value: {{ .maxBuilds | int64 | quote }}
- name: MAX_BUILDS_PER_REPOSITORY
  value: {{ .maxBuildsPerRepository | int64 | quote }}
- name: SWEEP_INTERVAL
  value: {{ .sweepInterval | quote }}
- name: BUILD_NAMESPACE
  value: {{ $values.buildNamespace.name | quote }}
- name: KANIKO_IMAGE
  value: {{ .kanikoImage | quote }}
{{- with .kanikoShell }}
- name: KANIKO_SHELL
  value: {{ . | quote }}
{{- end }}
- name: CLONE_IMAGE
  value: {{ .cloneImage | quote }}
- name: SCAN_IMAGE
  value: {{ .scanImage | quote }}
- name: PUBLISH_IMAGE
  value: {{ .publishImage | quote }}
{{- end }}
{{- end }}
{{- if and .worker $values.uploads.enabled }}
- name: UPLOADS_DIR
  value: /var/lib/kanihook/uploads
- name: UPLOADS_PORT
  value: '9091'
- name: MAX_UPLOAD
  value: {{ $values.uploads.maxSize | quote }}
- name: UPLOADS_DISK
  value: {{ $values.uploads.diskSize | quote }}
{{- end }}
{{- if $values.entrySecrets.existingSecret.name }}
- name: WEBHOOK_SECRETS_DIR
  value: /run/kanihook/webhook-secrets
{{- end }}
{{- range $forge := include "kanihook.forges" .root | fromYamlArray }}
{{- $own := get $values.forges $forge }}
{{- $public := get (dict "github" "https://github.com" "gitlab" "https://gitlab.com") $forge }}
{{- /* Where entries alone have secrets, it is the address that switches the forge on in a receiver. */}}
{{- with $own.url | default (ternary $public "" (not (empty $values.entrySecrets.existingSecret.name))) }}
- name: {{ upper $forge }}_URL
  value: {{ . | quote }}
{{- end }}
{{- with $own.apiUrl }}
- name: {{ upper $forge }}_API_URL
  value: {{ . | quote }}
{{- end }}
{{- with $own.sshUrl }}
- name: {{ upper $forge }}_SSH_URL
  value: {{ . | quote }}
{{- end }}
{{- if and $.worker $own.app }}
{{- with $own.app.id }}
- name: {{ upper $forge }}_APP_ID
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- range include "kanihook.secretsOf" (dict "root" .root "worker" .worker) | fromYamlArray }}
- name: {{ .env }}_FILE
  value: /run/kanihook/secrets/{{ .path }}
{{- end }}
{{- with (get $values .component).extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
