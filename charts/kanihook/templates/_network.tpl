{{/* Parts of NetworkPolicies. Policies see an address after a Service's was replaced by a pod's, or
before, as the network plugin does it: both are named where it matters. */}}

{{/* ports of a rule. dict: ports, protocols? */}}
{{- define "kanihook.ports" -}}
{{- range $port := .ports }}
{{- range $.protocols | default (list "TCP") }}
- { protocol: {{ . }}, port: {{ $port | int64 }} }
{{- end }}
{{- end }}
{{- end -}}

{{/* An egress rule. dict: ports, to, protocols?. Without peers: to any address. */}}
{{- define "kanihook.egress" -}}
- ports:
    {{- include "kanihook.ports" . | trim | nindent 4 }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "kanihook.egressDns" -}}
{{- include "kanihook.egress" (dict "ports" .Values.networkPolicy.dns.ports "to" .Values.networkPolicy.dns.to "protocols" (list "UDP" "TCP")) -}}
{{- end -}}

{{- define "kanihook.egressRedis" -}}
{{- if .Values.redis.bundled.enabled -}}
{{- $redis := include "kanihook.selectorLabels" (dict "root" . "component" "redis") | fromYaml -}}
{{- include "kanihook.egress" (dict "ports" (list 6379) "to" (list (dict "podSelector" (dict "matchLabels" $redis)))) -}}
{{- else -}}
{{- $port := include "kanihook.urlPort" (dict "url" .Values.redis.url.value "default" "6379") -}}
{{- include "kanihook.egress" (dict "ports" (.Values.networkPolicy.redis.ports | default (list $port)) "to" .Values.networkPolicy.redis.to) -}}
{{- end -}}
{{- end -}}

{{/* Peers: every address but some. A list of CIDRs, of either family. */}}
{{- define "kanihook.anyAddressBut" -}}
{{- $v4 := list -}}
{{- $v6 := list -}}
{{- range . -}}
{{- if contains ":" . }}{{ $v6 = append $v6 . }}{{ else }}{{ $v4 = append $v4 . }}{{ end -}}
{{- end -}}
- ipBlock:
    cidr: 0.0.0.0/0
    {{- with $v4 }}
    except:
      {{- toYaml . | nindent 6 }}
    {{- end }}
- ipBlock:
    cidr: ::/0
    {{- with $v6 }}
    except:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end -}}

{{/*
The ports of what the worker calls: 443, and those of forges that are on, and of the registries and
publicUrl, for kanihook doctor.
*/}}
{{- define "kanihook.calledPorts" -}}
{{- $urls := list .Values.publicUrl -}}
{{- range $forge := include "kanihook.forges" . | fromYamlArray -}}
{{- $own := get $.Values.forges $forge -}}
{{- $urls = concat $urls (list $own.url $own.apiUrl) -}}
{{- end -}}
{{- range .Values.config.registries -}}
{{- $urls = append $urls (printf "%s://%s" (.insecure | default false | ternary "http" "https") .host) -}}
{{- end -}}
{{- range .Values.config.repositories -}}
{{- range append (.images | default list) . -}}
{{- with .destination -}}
{{- $urls = append $urls (printf "https://%s" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ports := list "443" -}}
{{- range $url := compact $urls -}}
{{- $ports = append $ports (include "kanihook.urlPort" (dict "url" $url "default" (hasPrefix "http://" $url | ternary "80" "443"))) -}}
{{- end -}}
{{- toYaml (uniq $ports) -}}
{{- end -}}

{{/*
The Kubernetes API, as { cidrs, ports }: what values say, else the address of the Service
default/kubernetes and those behind it, as far as the cluster can be asked. No cidrs: not known.
*/}}
{{- define "kanihook.apiServer" -}}
{{- $given := .Values.networkPolicy.apiServer -}}
{{- $cidrs := $given.cidrs -}}
{{- $ports := list -}}
{{- if and $given.lookup (not $given.cidrs) -}}
{{- $addresses := list -}}
{{- $service := lookup "v1" "Service" "default" "kubernetes" | default dict -}}
{{- $addresses = concat $addresses (dig "spec" "clusterIPs" list $service) -}}
{{- range dig "spec" "ports" list $service -}}
{{- $ports = append $ports (toString .port) -}}
{{- end -}}
{{- range (lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "" | default dict).items -}}
{{- if eq (dig "metadata" "labels" "kubernetes.io/service-name" "" .) "kubernetes" -}}
{{- range .endpoints -}}
{{- $addresses = concat $addresses .addresses -}}
{{- end -}}
{{- range .ports -}}
{{- $ports = append $ports (toString .port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range uniq $addresses -}}
{{- $cidrs = append $cidrs (printf "%s/%s" . (contains ":" . | ternary "128" "32")) -}}
{{- end -}}
{{- end -}}
{{- $ports = $given.ports | default $ports | default (list "443" "6443") -}}
{{- dict "cidrs" $cidrs "ports" (uniq $ports) | toYaml -}}
{{- end -}}
