{{/* Names and labels. The longest suffix is -receiver; names of Services have 63 characters. */}}

{{- define "kanihook.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "kanihook.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "kanihook.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "kanihook.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name of a component's objects. dict: root, component */}}
{{- define "kanihook.componentName" -}}
{{- $fullname := include "kanihook.fullname" .root -}}
{{- if eq .component "single" -}}{{ $fullname }}{{- else -}}{{ printf "%s-%s" $fullname .component }}{{- end -}}
{{- end -}}

{{/* Selects the pods of a release; with component, of one component. dict: root, component? */}}
{{- define "kanihook.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kanihook.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* dict: root, component?, extra? (a map) */}}
{{- define "kanihook.labels" -}}
{{- $labels := dict
    "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
    "app.kubernetes.io/part-of" "kanihook"
    "app.kubernetes.io/managed-by" .root.Release.Service
    "app.kubernetes.io/version" (.root.Chart.AppVersion | toString) -}}
{{- $own := include "kanihook.selectorLabels" . | fromYaml -}}
{{- mergeOverwrite (dict) (.extra | default dict) .root.Values.commonLabels $labels $own | toYaml -}}
{{- end -}}

{{/*
Labels of pods: none that a new version of the chart changes, which would restart them for nothing.
dict: root, component, extra? (a map)
*/}}
{{- define "kanihook.podLabels" -}}
{{- $own := include "kanihook.selectorLabels" . | fromYaml -}}
{{- mergeOverwrite (dict) (.extra | default dict) .root.Values.commonLabels (dict "app.kubernetes.io/part-of" "kanihook") $own | toYaml -}}
{{- end -}}

{{/*
metadata of an object. dict: root, name, namespace? (the release's; "" for none), component?, labels?,
annotations?
*/}}
{{- define "kanihook.metadata" -}}
name: {{ .name }}
{{- $namespace := hasKey . "namespace" | ternary .namespace .root.Release.Namespace }}
{{- with $namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "kanihook.labels" (dict "root" .root "component" .component "extra" .labels) | nindent 2 }}
{{- with mergeOverwrite (dict) .root.Values.commonAnnotations (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The component that receives, and the one that works: one and the same in mode single. */}}
{{- define "kanihook.receiver" -}}
{{- eq .Values.mode "single" | ternary "single" "receiver" -}}
{{- end -}}
{{- define "kanihook.worker" -}}
{{- eq .Values.mode "single" | ternary "single" "worker" -}}
{{- end -}}

{{/* dict: root, component */}}
{{- define "kanihook.serviceAccountName" -}}
{{- $account := (get .root.Values .component).serviceAccount -}}
{{- if $account.name -}}
{{- $account.name -}}
{{- else if $account.create -}}
{{- include "kanihook.componentName" . -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- define "kanihook.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}
