import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { refusal, type RenderOptions } from './render.ts'
import { tryingOut, usual } from './values-table.ts'

const gitea = usual.forges.gitea
const hook = { existingSecret: { name: 'hooks' } }
const forge = (own: object) => ({ forges: { gitea: { ...gitea, ...own } } })
const github = (own: object) => ({ forges: { github: { webhookSecrets: hook, ...own } } })
const appKey = { existingSecret: { name: 'app' } }
const monitored = { metrics: { serviceMonitor: { enabled: true } } }

/** What is said instead of the usual values → how the answer goes on after the name. */
const faults: readonly (readonly [object, string, RenderOptions?])[] = [
  [{ publicUrl: '' }, 'publicUrl is missing: set it'],
  [{ publicUrl: 'kanihook.acme.test' }, 'publicUrl is not a URL: write it'],
  [{ publicUrl: 'https://me:pass@acme.test' }, 'publicUrl is not a URL: write it'],
  [{ fullnameOverride: 'x'.repeat(51) }, 'fullnameOverride has more than 50 characters: shorten'],
  [{ image: { digest: 'sha256:abc' } }, 'image.digest is not a digest: write'],
  [{ config: {} }, 'config is missing: say under it'],
  [
    { existingConfigMap: { name: 'x' } },
    'config and existingConfigMap.name are both set: keep one',
  ],
  [
    { config: {}, existingConfigMap: { name: 'x', key: '' } },
    'existingConfigMap.key is empty: name',
  ],
  [
    {
      config: {
        ...usual.config,
        uploads: [{ name: 'try', destination: 'registry.acme.test/try' }],
      },
    },
    'config.uploads is set, while uploads.enabled is not: no process takes uploads',
  ],
  [{ settings: { shutdownTimeout: '25' } }, 'settings.shutdownTimeout is not a duration: write'],
  [{ settings: { shutdownTimeout: '1.5m' } }, 'settings.shutdownTimeout is not a duration: write'],
  [{ settings: { shutdownTimeout: '0s' } }, 'settings.shutdownTimeout is not a duration: write'],
  [{ settings: { shutdownTimeout: '2h' } }, 'settings.shutdownTimeout is more than 1h'],
  [{ settings: { logRetention: 'a week' } }, 'settings.logRetention is not a duration: write'],
  [{ settings: { sweepInterval: '10' } }, 'settings.sweepInterval is not a duration: write'],
  [{ forges: {} }, 'no forge is on: give the webhookSecrets of'],
  [forge({ token: {} }), 'forges.gitea.token is missing: the worker'],
  [forge({ url: '' }), 'forges.gitea.url is missing: set it'],
  [forge({ url: 'git.acme.test' }), 'forges.gitea.url is not a URL: write it'],
  [forge({ apiUrl: 'ftp://git' }), 'forges.gitea.apiUrl is not a URL: write it'],
  [forge({ sshUrl: 'git.acme.test' }), 'forges.gitea.sshUrl is not a URL: write it'],
  [forge({ webhookSecrets: {} }), 'forges.gitea has a login and no webhookSecrets: give them'],
  [
    forge({ token: { value: 'x', existingSecret: { name: 'y' } } }),
    'forges.gitea.token.value and forges.gitea.token.existingSecret.name are both set: keep one',
  ],
  [
    forge({ token: { existingSecret: { name: 'y', key: '' } } }),
    'forges.gitea.token.existingSecret.key is empty: name',
  ],
  [github({}), 'forges.github.token is missing: the worker'],
  [
    github({ token: hook, app: { id: '1', privateKey: appKey } }),
    'forges.github.token and forges.github.app are both set: keep one',
  ],
  [github({ app: { id: '1' } }), 'forges.github.app.privateKey is missing, while'],
  [github({ app: { privateKey: appKey } }), 'forges.github.app.id is missing, while'],
  [{ redis: {} }, 'redis.url is missing: give it'],
  [
    { redis: { ...usual.redis, bundled: { enabled: true } } },
    'redis.url and redis.bundled.enabled are both set: keep one',
  ],
  [{ redis: { url: { value: 'redis.acme.test' } } }, 'redis.url.value is not a Redis URL: write'],
  [
    { redis: { bundled: { enabled: true, password: 'p@ss' } } },
    'redis.bundled.password has other characters',
  ],
  [
    { redis: { bundled: { enabled: true, maxmemory: '256Mi' } } },
    'redis.bundled.maxmemory is not a size: write',
  ],
  [
    {
      redis: {
        bundled: { enabled: true, persistence: { enabled: false, existingClaim: 'redis-data' } },
      },
    },
    'redis.bundled.persistence.existingClaim is set, while',
  ],
  [{ buildNamespace: { name: 'Builds' } }, 'buildNamespace.name is not the name of a namespace'],
  [{}, 'buildNamespace.name is the release', { namespace: 'kanihook-builds' }],
  [{ buildNamespace: { create: false, keep: true } }, 'buildNamespace.keep is set, while'],
  [
    { registryCredentials: { registry: 'registry.acme.test' } },
    'registryCredentials.registry is set without username and password: give both',
  ],
  [{ registryCredentials: { username: 'me' } }, 'registryCredentials.registry is missing: name'],
  [
    { publicUrl: 'https://192.0.2.1', ingress: { enabled: true } },
    'ingress.hosts is empty, and the host of publicUrl',
  ],
  [
    { publicUrl: 'https://192.0.2.1', gateway: { enabled: true, parentRefs: [{ name: 'g' }] } },
    'gateway.hostnames is empty, and the host of publicUrl',
  ],
  [{ gateway: { enabled: true } }, 'gateway.parentRefs is empty: name the Gateway'],
  [
    {
      publicUrl: 'https://acme.test/kanihook/',
      gateway: { enabled: true, parentRefs: [{ name: 'g' }] },
    },
    'gateway.enabled is set, while publicUrl has the path /kanihook: kanihook serves at /',
  ],
  [{ service: { nodePort: 30080 } }, 'service.nodePort is set, while service.type is ClusterIP'],
  [
    { service: { type: 'NodePort', loadBalancerClass: 'x' } },
    'service.loadBalancerClass is set, while service.type is NodePort',
  ],
  [
    { receiver: { extraEnv: [{ name: 'PUBLIC_URL', value: 'https://x' }] } },
    'receiver.extraEnv sets PUBLIC_URL, which the chart sets',
  ],
  [
    { worker: { extraEnv: [{ name: 'GITEA_TOKEN', value: 'x' }] } },
    'worker.extraEnv sets GITEA_TOKEN, which the chart sets',
  ],
  [
    { receiver: { terminationGracePeriodSeconds: 30 } },
    'receiver.terminationGracePeriodSeconds is 30: a stop may take 30 seconds',
  ],
  [
    { receiver: { autoscaling: { enabled: true, minReplicas: 7 } } },
    'receiver.autoscaling.minReplicas is more than maxReplicas',
  ],
  [
    { worker: { podDisruptionBudget: { minAvailable: 2 } } },
    'worker.podDisruptionBudget.minAvailable is 2 of 2: no node could be drained',
  ],
  ...[{ minAvailable: '100%' }, { maxUnavailable: 0 }, { maxUnavailable: '0%' }].map(
    (podDisruptionBudget) =>
      [
        { receiver: { podDisruptionBudget } },
        'receiver.podDisruptionBudget lets no pod go: no node could be drained',
      ] as const,
  ),
  [
    { mode: 'single', worker: { autoscaling: { enabled: true } } },
    'worker.autoscaling.enabled is set, while mode is single',
  ],
  [
    { mode: 'single', receiver: { replicas: 3 } },
    'receiver.replicas is 3, while mode is single: say it under single, or choose mode split',
  ],
  [
    { mode: 'single', worker: { extraVolumes: [{ name: 'ca', emptyDir: {} }] } },
    'worker.extraVolumes is set, while mode is single: say it under single',
  ],
  [
    { single: { replicas: 2 } },
    'single.replicas is 2, while mode is split: say it under receiver and worker',
  ],
  [
    { worker: { autoscaling: { enabled: true } } },
    'worker.autoscaling.keda.prometheusUrl is missing: name',
  ],
  [
    { worker: { autoscaling: { enabled: true, kind: 'hpa' } } },
    'worker.autoscaling.hpa.metrics is empty: give',
  ],
  [
    {
      worker: {
        autoscaling: {
          enabled: true,
          keda: { prometheusUrl: 'http://p:9090' },
          hpa: { metrics: [{ type: 'External' }] },
        },
      },
    },
    'worker.autoscaling.hpa is set, while worker.autoscaling.kind is keda: two autoscalers',
  ],
  [
    {
      worker: {
        autoscaling: {
          enabled: true,
          kind: 'hpa',
          keda: { prometheusUrl: 'http://p:9090' },
          hpa: { metrics: [{ type: 'External' }] },
        },
      },
    },
    'worker.autoscaling.keda is set, while worker.autoscaling.kind is hpa: two autoscalers',
  ],
  [
    {
      worker: {
        autoscaling: {
          enabled: true,
          keda: { prometheusUrl: 'http://p:9090', triggers: [{ type: 'cpu' }] },
        },
      },
    },
    'worker.autoscaling.keda.prometheusUrl and worker.autoscaling.keda.triggers are both set',
  ],
  [monitored, 'networkPolicy.metrics.from is empty, while metrics.serviceMonitor.enabled'],
  [
    { networkPolicy: { apiServer: { cidrs: ['10.96.0.1'] } } },
    'networkPolicy.apiServer.cidrs holds 10.96.0.1, which is not a CIDR: write',
  ],
]

suite('values that do not go together are refused with a sentence', () => {
  for (const [values, sentence, options] of faults) {
    test(sentence, async () => {
      const said = await refusal({ ...usual, ...values }, options)
      assert.ok(said.includes(`- ${sentence}`), said)
    })
  }
})

/** What is said → what the schema answers. */
const misshapen: readonly (readonly [object, string])[] = [
  [{ publicURL: 'https://x' }, "additional properties 'publicURL' not allowed"],
  [{ receiver: { replica: 3 } }, "at '/receiver': additional properties 'replica' not allowed"],
  [{ settings: { maxBuilds: 'many' } }, "at '/settings/maxBuilds': got string, want integer"],
  [{ mode: 'both' }, "at '/mode': value must be one of 'split', 'single'"],
  [
    { buildNamespace: { podSecurity: 'restricted' } },
    "at '/buildNamespace/podSecurity': value must be one of 'baseline', 'privileged'",
  ],
  [{ networkPolicy: null }, "missing property 'networkPolicy'"],
  [
    { config: { repositories: [{ match: 'a.io/b', images: [{ name: 'a', dest: 'r.io/a' }] }] } },
    "additional properties 'dest' not allowed",
  ],
]

suite('values that do not exist or are of another kind are refused by name', () => {
  for (const [values, sentence] of misshapen) {
    test(sentence, async () => {
      const said = await refusal({ ...usual, ...values })
      assert.ok(said.includes(sentence), said)
    })
  }
})

test('all faults are told at once', async () => {
  const said = await refusal({ ...usual, publicUrl: '', config: {}, redis: {} })
  for (const name of ['publicUrl', 'config', 'redis.url']) {
    assert.ok(said.includes(`- ${name} is missing`), name)
  }
})

test('no refusal repeats a secret', async () => {
  const url = { value: 'mysql://:a-password@db' }
  const said = await refusal({ ...tryingOut, redis: { url }, publicUrl: '' })
  assert.match(said, /redis\.url\.value is not a Redis URL/)
  assert.doesNotMatch(said, /a-password|for-tests|push-me/)
})
