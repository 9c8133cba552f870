{{/* A Deployment of kanihook. dict: root, component, receiver, worker (whether it has the role) */}}
{{- define "kanihook.deployment" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $own := get $values .component -}}
{{- $name := include "kanihook.componentName" . -}}
{{- $selector := include "kanihook.selectorLabels" . | fromYaml -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "kanihook.metadata" (dict "root" .root "name" $name "component" .component "annotations" $own.annotations) | nindent 2 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false $own) }}
  replicas: {{ $own.replicas }}
  {{- end }}
  revisionHistoryLimit: {{ $own.revisionHistoryLimit }}
  selector:
    matchLabels:
      {{- toYaml $selector | nindent 6 }}
  strategy:
    {{- toYaml $own.strategy | nindent 4 }}
  template:
    metadata:
      labels:
        {{- include "kanihook.podLabels" (dict "root" .root "component" .component "extra" $own.podLabels) | nindent 8 }}
        # What the admin Service selects: every pod of kanihook, and Redis not.
        kanihook.dev/admin: 'true'
      annotations:
        # kanihook reads its secrets when it starts. kanihook.yaml is not here: it is read again by itself.
        checksum/secrets: {{ include "kanihook.secretsChecksum" (dict "root" .root "worker" .worker) }}
        {{- with mergeOverwrite (dict) $values.commonAnnotations $own.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "kanihook.serviceAccountName" . }}
      # Only the worker talks to the Kubernetes API.
      automountServiceAccountToken: {{ .worker }}
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds | default (add 5 (include "kanihook.stopSeconds" .)) }}
      {{- with $values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- toYaml $values.podSecurityContext | nindent 8 }}
      containers:
        - name: kanihook
          image: {{ include "kanihook.image" .root | quote }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          args: [serve]
          env:
            {{- include "kanihook.env" . | nindent 12 }}
          {{- with $own.extraEnvFrom }}
          envFrom:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            {{- if .receiver }}
            - name: http
              containerPort: 8080
              protocol: TCP
            {{- end }}
            - name: admin
              containerPort: 9090
              protocol: TCP
            {{- if and .worker $values.uploads.enabled }}
            # Where the pods of builds fetch what was uploaded.
            - name: uploads
              containerPort: 9091
              protocol: TCP
            {{- end }}
          startupProbe:
            httpGet:
              path: /healthz
              port: admin
            {{- toYaml $own.startupProbe | nindent 12 }}
          livenessProbe:
            httpGet:
              path: /healthz
              port: admin
            {{- toYaml $own.livenessProbe | nindent 12 }}
          readinessProbe:
            httpGet:
              {{- if .receiver }}
              # Webhooks are taken while the cluster is away: they are stored.
              path: /readyz?role=receiver
              {{- else }}
              path: /readyz
              {{- end }}
              port: admin
            {{- toYaml $own.readinessProbe | nindent 12 }}
          {{- with $own.preStopSeconds }}
          lifecycle:
            preStop:
              # Serves on until no Service and no proxy sends to this pod any more.
              sleep:
                seconds: {{ . }}
          {{- end }}
          resources:
            {{- toYaml $own.resources | nindent 12 }}
          securityContext:
            {{- toYaml $values.securityContext | nindent 12 }}
          volumeMounts:
            # The folder, not the file: a file mounted alone would never change.
            - name: config
              mountPath: /etc/kanihook
              readOnly: true
            - name: secrets
              mountPath: /run/kanihook/secrets
              readOnly: true
            {{- if and .receiver $values.entrySecrets.existingSecret.name }}
            - name: webhook-secrets
              mountPath: /run/kanihook/webhook-secrets
              readOnly: true
            {{- end }}
            - name: tmp
              mountPath: /tmp
            {{- if and .worker $values.uploads.enabled }}
            - name: uploads
              mountPath: /var/lib/kanihook/uploads
            {{- end }}
            {{- with $own.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: config
          configMap:
            {{- if $values.existingConfigMap.name }}
            name: {{ $values.existingConfigMap.name | quote }}
            items:
              - key: {{ $values.existingConfigMap.key | quote }}
                path: kanihook.yaml
            {{- else }}
            name: {{ include "kanihook.fullname" .root }}
            {{- end }}
        - name: secrets
          projected:
            defaultMode: 288 # 0440
            sources:
              {{- range include "kanihook.secretsOf" (dict "root" .root "worker" .worker) | fromYamlArray }}
              - secret:
                  name: {{ .secret | quote }}
                  items:
                    - key: {{ .key | quote }}
                      path: {{ .path }}
              {{- end }}
        {{- if and .receiver $values.entrySecrets.existingSecret.name }}
        # As a whole, so that a new entry's secret comes by itself.
        - name: webhook-secrets
          secret:
            secretName: {{ $values.entrySecrets.existingSecret.name | quote }}
            defaultMode: 288 # 0440
        {{- end }}
        - name: tmp
          emptyDir: {}
        {{- if and .worker $values.uploads.enabled }}
        - name: uploads
          emptyDir:
            {{- toYaml $values.uploads.emptyDir | nindent 12 }}
        {{- end }}
        {{- with $own.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with include "kanihook.scheduling" (dict "own" $own "selector" $selector) | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with $values.hostAliases }}
      hostAliases:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.dnsPolicy }}
      dnsPolicy: {{ . }}
      {{- end }}
      {{- with $values.dnsConfig }}
      dnsConfig:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}

{{/* Where pods run. dict: own (a section of values), selector */}}
{{- define "kanihook.scheduling" -}}
{{- with .own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- $byDefault := dict }}
  {{- if not .labelSelector }}
  {{- $byDefault = dict "labelSelector" (dict "matchLabels" $.selector) "matchLabelKeys" (list "pod-template-hash") }}
  {{- end }}
  - {{ toYaml (merge (dict) . $byDefault) | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- with .own.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* A ServiceAccount. dict: root, component */}}
{{- define "kanihook.serviceAccount" -}}
{{- $account := (get .root.Values .component).serviceAccount -}}
{{- if $account.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "kanihook.metadata" (dict "root" .root "name" (include "kanihook.serviceAccountName" .) "component" .component "annotations" $account.annotations) | nindent 2 }}
# Pods say themselves whether they want a token.
automountServiceAccountToken: false
{{- end -}}
{{- end -}}

{{/* A PodDisruptionBudget. dict: root, component */}}
{{- define "kanihook.podDisruptionBudget" -}}
{{- with (get .root.Values .component).podDisruptionBudget -}}
{{- if .enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "kanihook.metadata" (dict "root" $.root "name" (include "kanihook.componentName" $) "component" $.component) | nindent 2 }}
spec:
  {{- if ne (toString .minAvailable) "" }}
  minAvailable: {{ .minAvailable }}
  {{- else }}
  maxUnavailable: {{ .maxUnavailable }}
  {{- end }}
  # A pod that is not ready serves nobody: it must not hold up a drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "kanihook.selectorLabels" $ | nindent 6 }}
{{- end -}}
{{- end -}}
{{- end -}}
