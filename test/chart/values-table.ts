/** What a person gives the chart. */
export interface ValuesRow {
  readonly name: string
  readonly values: Readonly<Record<string, unknown>>
}

const own = (name: string, key?: string) => ({
  existingSecret: { name, ...(key !== undefined && { key }) },
})

const config = {
  defaults: { pushSecret: 'registry-credentials' },
  repositories: [
    { match: 'git.acme.test/acme/*', destination: 'registry.acme.test/{owner}/{repo}' },
  ],
}

/** What most rows begin with: one forge, secrets and Redis of one's own. */
export const usual = {
  publicUrl: 'https://kanihook.acme.test',
  config,
  forges: {
    gitea: {
      url: 'https://git.acme.test',
      webhookSecrets: own('gitea'),
      token: own('gitea'),
    },
  },
  redis: { url: own('redis') },
}

/** The least that one has to say to try it out. */
export const tryingOut = {
  publicUrl: 'http://kanihook.acme.test',
  mode: 'single',
  config,
  forges: {
    gitea: {
      url: 'http://git.acme.test:3000',
      webhookSecrets: { value: 'a-webhook-secret-for-tests' },
      token: { value: 'a-token-for-tests' },
    },
  },
  redis: { bundled: { enabled: true } },
  registryCredentials: { registry: 'registry.acme.test', username: 'pusher', password: 'push-me' },
}

const monitoring = [
  { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } },
]

/** Values that are given to the chart in tests: together they make every object that it has. */
export const valuesTable: readonly ValuesRow[] = [
  { name: 'split, everything by reference', values: usual },
  { name: 'single, for trying out', values: tryingOut },
  { name: 'split, with uploads', values: { ...usual, uploads: { enabled: true } } },
  {
    name: 'single, several pods',
    values: { ...usual, mode: 'single', single: { replicas: 3 } },
  },
  { name: 'Tekton', values: { ...usual, tekton: { enabled: true } } },
  {
    name: 'all three forges, a GitHub App, tokens and link secrets',
    values: {
      ...usual,
      forges: {
        ...usual.forges,
        github: {
          webhookSecrets: own('github', 'hooks'),
          app: { id: '12345', privateKey: own('github-app') },
          url: 'https://github.acme.test',
          apiUrl: 'https://github.acme.test:8443/api/v3',
          sshUrl: 'ssh://git@github.acme.test:2222',
        },
        gitlab: {
          webhookSecrets: { value: 'newest-webhook-secret,older-webhook-secret' },
          token: own('gitlab'),
        },
      },
      adminTokens: own('admin'),
      linkSecrets: { value: 'a-link-secret-for-tests' },
      redis: { url: { value: 'rediss://:a-password@redis.acme.test:6380/1' } },
    },
  },
  {
    name: 'a namespace of a tenant',
    values: {
      ...usual,
      config: {
        ...config,
        repositories: [{ ...config.repositories[0], namespace: 'acme-builds' }],
      },
      buildNamespace: {
        more: ['acme-builds'],
        resourceQuota: { hard: { pods: '30' } },
        limitRange: { limits: [{ type: 'Container', default: { memory: '4Gi' } }] },
      },
    },
  },
  {
    name: 'secrets of entries alone',
    values: {
      ...usual,
      forges: { github: { token: own('github') }, gitlab: { token: own('gitlab') } },
      entrySecrets: own('tenants'),
    },
  },
  {
    name: 'bundled Redis whose volume stays',
    values: {
      ...usual,
      redis: {
        bundled: {
          enabled: true,
          password: 'redis-password',
          maxmemory: '64mb',
          persistence: { keep: true, storageClassName: 'fast', size: '1Gi' },
          service: { clusterIP: '10.96.0.77' },
          nodeSelector: { disk: 'ssd' },
          tolerations: [{ operator: 'Exists' }],
        },
      },
    },
  },
  {
    name: 'bundled Redis with a claim that is there',
    values: {
      ...usual,
      redis: { bundled: { enabled: true, persistence: { existingClaim: 'redis-data' } } },
    },
  },
  {
    name: 'bundled Redis without a volume',
    values: {
      ...usual,
      redis: {
        bundled: {
          enabled: true,
          image: 'docker.io/library/redis:8',
          command: ['redis-server'],
          persistence: { enabled: false },
        },
      },
    },
  },
  {
    name: 'a ConfigMap of one’s own',
    values: {
      ...usual,
      config: {},
      existingConfigMap: { name: 'what-is-built', key: 'rules.yaml' },
    },
  },
  {
    name: 'Ingress with TLS',
    values: {
      ...usual,
      ingress: {
        enabled: true,
        className: 'nginx',
        annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': '25m' },
        tls: [{ secretName: 'kanihook-tls' }],
      },
    },
  },
  {
    name: 'Ingress with hosts of its own',
    values: {
      ...usual,
      ingress: {
        enabled: true,
        hosts: ['hooks.acme.test', 'builds.acme.test'],
        path: '/webhooks',
        pathType: 'Exact',
        labels: { team: 'platform' },
        tls: [{ secretName: 'hooks-tls', hosts: ['hooks.acme.test'] }],
      },
    },
  },
  {
    name: 'Gateway',
    values: {
      ...usual,
      gateway: {
        enabled: true,
        parentRefs: [{ name: 'public', namespace: 'gateways', sectionName: 'https' }],
        annotations: { note: 'public' },
      },
    },
  },
  {
    name: 'LoadBalancer',
    values: {
      ...usual,
      service: {
        type: 'LoadBalancer',
        port: 443,
        loadBalancerClass: 'acme.test/lb',
        loadBalancerSourceRanges: ['192.0.2.0/24'],
        externalTrafficPolicy: 'Local',
        annotations: { note: 'public' },
        labels: { team: 'platform' },
      },
    },
  },
  {
    name: 'NodePort',
    values: { ...usual, service: { type: 'NodePort', nodePort: 30080, clusterIP: '10.96.0.78' } },
  },
  {
    name: 'receivers by CPU, workers by the queue with KEDA, scraped by the Prometheus operator',
    values: {
      ...usual,
      receiver: {
        autoscaling: {
          enabled: true,
          maxReplicas: 9,
          behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
        },
      },
      worker: {
        autoscaling: {
          enabled: true,
          keda: {
            prometheusUrl: 'http://prometheus.monitoring:9090',
            fallback: { failureThreshold: 3, replicas: 2 },
          },
          behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
        },
      },
      metrics: {
        serviceMonitor: {
          enabled: true,
          scrapeTimeout: '10s',
          labels: { release: 'prometheus' },
          relabelings: [{ action: 'labeldrop', regex: 'endpoint' }],
          metricRelabelings: [{ action: 'drop', regex: 'nodejs_.*', sourceLabels: ['__name__'] }],
        },
      },
      networkPolicy: { metrics: { from: monitoring } },
    },
  },
  {
    name: 'workers by a KEDA trigger of one’s own',
    values: {
      ...usual,
      worker: {
        autoscaling: {
          enabled: true,
          keda: {
            triggers: [{ type: 'cpu', metricType: 'Utilization', metadata: { value: '70' } }],
          },
        },
      },
    },
  },
  {
    name: 'workers by a HorizontalPodAutoscaler',
    values: {
      ...usual,
      worker: {
        autoscaling: {
          enabled: true,
          kind: 'hpa',
          hpa: {
            metrics: [
              {
                type: 'External',
                external: {
                  metric: { name: 'kanihook_queue_jobs' },
                  target: { type: 'AverageValue', averageValue: '10' },
                },
              },
            ],
          },
        },
      },
    },
  },
  {
    name: 'a build namespace with quota, defaults and labels, that stays',
    values: {
      ...usual,
      buildNamespace: {
        name: 'acme-builds',
        keep: true,
        podSecurity: 'privileged',
        labels: { team: 'platform' },
        annotations: { note: 'builds' },
        resourceQuota: { hard: { pods: '30', 'requests.cpu': '40' } },
        limitRange: { limits: [{ type: 'Container', default: { memory: '4Gi' } }] },
      },
    },
  },
  {
    name: 'a build namespace, role and accounts of one’s own',
    values: {
      ...usual,
      buildNamespace: { create: false },
      rbac: { create: false },
      receiver: { serviceAccount: { create: false } },
      worker: { serviceAccount: { create: false, name: 'builder' } },
    },
  },
  {
    name: 'network addresses given',
    values: {
      ...usual,
      networkPolicy: {
        dns: { to: [{ ipBlock: { cidr: '10.96.0.10/32' } }], ports: [53, 5353] },
        receiver: {
          from: [{ namespaceSelector: { matchLabels: { name: 'ingress' } } }],
          extraEgress: [{ to: [{ ipBlock: { cidr: '192.0.2.7/32' } }] }],
        },
        metrics: { from: monitoring },
        redis: { to: [{ ipBlock: { cidr: '192.0.2.8/32' } }], ports: [6390] },
        apiServer: {
          cidrs: ['10.96.0.1/32', '192.168.1.10/32', 'fd00:10::1/128'],
          ports: [443, 6443],
        },
        forges: { to: [{ ipBlock: { cidr: '192.0.2.0/24' } }], ports: [3000] },
        worker: { extraEgress: [{ to: [{ ipBlock: { cidr: '192.0.2.9/32' } }] }] },
        builds: {
          exceptCidrs: ['192.168.0.0/16'],
          extraEgress: [{ to: [{ ipBlock: { cidr: '192.168.7.7/32' } }] }],
        },
      },
    },
  },
  { name: 'no network policies', values: { ...usual, networkPolicy: { enabled: false } } },
  {
    name: 'everything that a pod may be given',
    values: {
      ...usual,
      fullnameOverride: 'hooks',
      nameOverride: 'push-to-image',
      commonLabels: { team: 'platform' },
      commonAnnotations: { owner: 'platform@acme.test' },
      image: {
        repository: 'registry.acme.test/kanihook',
        digest: `sha256:${'0'.repeat(64)}`,
        pullPolicy: 'Always',
      },
      imagePullSecrets: [{ name: 'regcred' }],
      settings: {
        logLevel: 'debug',
        shutdownTimeout: '2m',
        maxBuilds: 0,
        pages: 'off',
        sweepInterval: 'off',
      },
      hostAliases: [{ ip: '192.0.2.7', hostnames: ['git.acme.test'] }],
      dnsPolicy: 'ClusterFirst',
      dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
      receiver: {
        replicas: 4,
        preStopSeconds: 15,
        podDisruptionBudget: { minAvailable: '50%' },
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { 'app.kubernetes.io/component': 'receiver' } },
          },
        ],
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: 'spot', operator: 'DoesNotExist' }] },
              ],
            },
          },
        },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
        priorityClassName: 'system-cluster-critical',
        annotations: { 'reloader.stakater.com/auto': 'true' },
        podAnnotations: { note: 'receiver' },
        podLabels: { tier: 'edge' },
      },
      worker: {
        terminationGracePeriodSeconds: 300,
        podDisruptionBudget: { enabled: false },
        extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/ca/ca.crt' }],
        extraEnvFrom: [{ configMapRef: { name: 'proxy', optional: true } }],
        extraVolumes: [{ name: 'ca', configMap: { name: 'acme-ca' } }],
        extraVolumeMounts: [{ name: 'ca', mountPath: '/ca', readOnly: true }],
        serviceAccount: { annotations: { note: 'worker' } },
      },
      extraObjects: [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: '{{ .Release.Name }}-extra' },
          data: { key: 'value' },
        },
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: \'{{ include "kanihook.fullname" . }}-text\'\n',
      ],
    },
  },
]
