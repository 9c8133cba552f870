{{/* What Task and Pipeline take, and what they tell. */}}
{{- define "kanihook.tektonParams" -}}
- name: url
  type: string
  description: The repository, as an HTTP URL without a login.
- name: revision
  type: string
  default: ''
  description: A commit id, a branch or a tag. Empty, the default branch.
- name: destinations
  type: array
  description: "Where the image is pushed: registry.acme.io/acme/shop:main, one for each tag."
- name: context
  type: string
  default: '.'
  description: Folder that the build sees, relative to the repository's root.
- name: dockerfile
  type: string
  default: Dockerfile
  description: Relative to the repository's root.
- name: target
  type: string
  default: ''
  description: Stage of the Dockerfile. Empty, the last one.
- name: build-args
  type: array
  default: []
  description: "Values of ARG: NAME=value. They can be read in the TaskRun."
- name: kaniko-args
  type: array
  default: []
  description: "More flags of Kaniko's executor: --cache=true, --insecure-registry=registry.acme.io."
{{- end }}

{{- define "kanihook.tektonWorkspaces" -}}
- name: registry-login
  optional: true
  description: The logins of the registries as config.json, such as the key .dockerconfigjson of a Secret under that name.
- name: git-login
  optional: true
  description: username and password for git, as in a Secret of type kubernetes.io/basic-auth. The clone alone sees it.
{{- end }}

{{/* A script as an argument of a container: Kubernetes would fill in $(…). */}}
{{- define "kanihook.script" -}}
{{ .root.Files.Get (printf "files/%s" .file) | replace "$" "$$" }}
{{- end }}
