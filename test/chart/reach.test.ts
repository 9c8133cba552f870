import assert from 'node:assert/strict'
import { test } from 'node:test'
import { render, renderNotes, type Rendered } from './render.ts'
import { tryingOut, usual, valuesTable } from './values-table.ts'
import { selected, workload } from './workloads.ts'

const row = (name: string): object => valuesTable.find((each) => each.name === name)?.values ?? {}
const service = (rendered: Rendered, name: string) => rendered.one('Service', name).spec

test('the Service leads to the pods that receive', async () => {
  for (const [mode, name] of [
    ['split', 'kanihook-receiver'],
    ['single', 'kanihook'],
  ] as const) {
    const rendered = await render({ ...usual, mode, redis: { bundled: { enabled: true } } })
    const { selector, ports } = service(rendered, 'kanihook')
    assert.deepEqual(selected(rendered, selector), [name])
    const port = workload(rendered, name).container.ports?.find((each) => each.name === 'http')
    assert.equal(port?.containerPort, 8080)
    assert.deepEqual(
      ports?.map((each) => [each.port, each.targetPort]),
      [[80, 'http']],
    )
  }
})

test('the admin Service leads to every pod of kanihook and stays in the cluster', async () => {
  const rendered = await render({ ...usual, redis: { bundled: { enabled: true } } })
  const { selector, type, ports, publishNotReadyAddresses } = service(rendered, 'kanihook-admin')
  assert.deepEqual(selected(rendered, selector), ['kanihook-receiver', 'kanihook-worker'])
  assert.deepEqual([type, ports?.map(({ port }) => port)], ['ClusterIP', [9090]])
  assert.equal(publishNotReadyAddresses, true, 'what is not ready is to be seen as well')
})

test('no way from outside leads to the admin port', async () => {
  for (const { name, values } of valuesTable) {
    const { objects } = await render(values)
    const ways = objects.filter(
      ({ kind, metadata }) =>
        ['Ingress', 'HTTPRoute'].includes(kind) ||
        (kind === 'Service' && !/-(admin|redis)$/.test(metadata.name)),
    )
    assert.ok(ways.length > 0)
    assert.ok(!/9090|admin/.test(JSON.stringify(ways)), name)
  }
})

test('the Service is of the type that is asked for', async () => {
  const balanced = service(await render(row('LoadBalancer')), 'kanihook')
  assert.equal(balanced.type, 'LoadBalancer')
  assert.equal(balanced.loadBalancerClass, 'acme.test/lb')
  assert.deepEqual(balanced.loadBalancerSourceRanges, ['192.0.2.0/24'])
  assert.equal(balanced.externalTrafficPolicy, 'Local')
  const onNodes = service(await render(row('NodePort')), 'kanihook')
  assert.deepEqual([onNodes.ports?.[0]?.nodePort, onNodes.clusterIP], [30080, '10.96.0.78'])
})

test('an Ingress is for the host of publicUrl unless it has hosts of its own', async () => {
  const spec = async (values: object) => (await render(values)).one('Ingress', 'kanihook').spec
  const byDefault = await spec(row('Ingress with TLS'))
  assert.equal(byDefault.ingressClassName, 'nginx')
  assert.deepEqual(byDefault.tls, [{ hosts: ['kanihook.acme.test'], secretName: 'kanihook-tls' }])
  const [rule] = byDefault.rules ?? []
  assert.equal(rule?.host, 'kanihook.acme.test')
  assert.deepEqual(rule?.http?.paths, [
    {
      path: '/',
      pathType: 'Prefix',
      backend: { service: { name: 'kanihook', port: { name: 'http' } } },
    },
  ])
  const own = await spec(row('Ingress with hosts of its own'))
  assert.deepEqual(
    own.rules?.map(({ host }) => host),
    ['hooks.acme.test', 'builds.acme.test'],
  )
})

test('an HTTPRoute is for the host of publicUrl and leads to the Service', async () => {
  const { spec } = (await render(row('Gateway'))).one('HTTPRoute', 'kanihook')
  assert.deepEqual(spec, {
    parentRefs: [{ name: 'public', namespace: 'gateways', sectionName: 'https' }],
    hostnames: ['kanihook.acme.test'],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        backendRefs: [{ name: 'kanihook', port: 80 }],
      },
    ],
  })
})

test('nothing leads from outside unless asked for', async () => {
  const rendered = await render(usual)
  assert.deepEqual([...rendered.all('Ingress'), ...rendered.all('HTTPRoute')], [])
  assert.equal(service(rendered, 'kanihook').type, 'ClusterIP')
  assert.match(await renderNotes(usual), /Nothing leads from outside to the Service kanihook yet/)
  assert.doesNotMatch(await renderNotes(row('Ingress with TLS')), /Nothing leads from outside/)
})

test('the notes say what to paste where, for each forge that is on', async () => {
  const notes = await renderNotes(row('all three forges, a GitHub App, tokens and link secrets'))
  for (const line of [
    'https://kanihook.acme.test/webhooks/github',
    'https://kanihook.acme.test/webhooks/gitlab',
    'https://kanihook.acme.test/webhooks/gitea',
    "kubectl -n kanihook get secret github -o jsonpath='{.data.hooks}'",
    "kubectl -n kanihook get secret kanihook -o jsonpath='{.data.gitlab-webhook-secrets}'",
    "kubectl -n kanihook get secret gitea -o jsonpath='{.data.webhook-secrets}'",
    'kubectl -n kanihook exec deploy/kanihook-worker -- kanihook doctor',
    'kubectl -n kanihook-builds create secret docker-registry registry-credentials',
    'kubectl -n kanihook exec deploy/kanihook-worker -- kanihook logs -f BUILD',
  ]) {
    assert.ok(notes.includes(line), line)
  }
  assert.doesNotMatch(await renderNotes(usual), /webhooks\/git(hub|lab)/)
})

test('the notes say how to make each login that config names, and for which registry', async () => {
  const shop = { name: 'shop', destination: 'registry.acme.test/shop', pushSecret: 'of-shop' }
  const hub = { name: 'hub', destination: 'docker.io/acme/hub', pushSecret: 'of-hub' }
  const config = {
    defaults: { pushSecret: 'of-all' },
    repositories: [
      { match: 'git.acme.test/a/*', destination: 'registry.acme.test:5000/{repo}' },
      { match: 'git.acme.test/b/*', destination: 'ghcr.io/acme/{repo}' },
      { match: 'git.acme.test/c/*', images: [shop, hub, { ...shop, name: 'shop-again' }] },
    ],
  }
  const notes = await renderNotes({ ...usual, config })
  const made = [...notes.matchAll(/docker-registry (\S+) \\\n +--docker-server=(\S+)/g)]
  assert.deepEqual(
    made.map(([, name, host]) => [name, host]),
    [
      ['of-all', 'registry.acme.test:5000'],
      ['of-shop', 'registry.acme.test'],
      ['of-hub', 'https://index.docker.io/v1/'],
    ],
  )
  assert.match(notes, /a login for ghcr\.io as well/)
})

test('the notes say which logins are still to be made beside that of registryCredentials', async () => {
  const named = (pushSecret?: string) => ({
    ...tryingOut,
    config: {
      repositories: [{ match: 'git.acme.test/a/*', destination: 'ghcr.io/{repo}', pushSecret }],
    },
  })
  const right = await renderNotes(named('registry-credentials'))
  assert.match(right, /registry-credentials was made from registryCredentials, for registry/)
  assert.doesNotMatch(right, /create secret docker-registry|no pushSecret in config names/)
  const other = await renderNotes(named('another'))
  assert.match(other, /create secret docker-registry another/)
  assert.match(other, /made registry-credentials, which no pushSecret in config names/)
  const { registryCredentials: _, ...without } = named()
  assert.match(await renderNotes(without), /None is named there, so builds push without a login/)
})

test('the notes say when no pod would take or build what is pushed', async () => {
  const none = { replicas: 0 }
  assert.match(
    await renderNotes({ ...usual, worker: none }),
    /worker\.replicas is 0: pushes are stor/,
  )
  assert.match(
    await renderNotes({ ...usual, receiver: none }),
    /receiver\.replicas is 0: no webhook/,
  )
  assert.doesNotMatch(await renderNotes(usual), /replicas is 0/)
})

test('the notes say where builds want Tekton and kanihook has no right to it', async () => {
  const warning = /config has backend: tekton, while tekton\.enabled is false/
  const [entry] = usual.config.repositories
  const tekton = { backend: 'tekton' }
  const ofAll = { ...usual.config, defaults: tekton }
  const ofOne = {
    repositories: [{ ...entry, images: [{ name: 'app' }, { name: 'b', ...tekton }] }],
  }
  for (const config of [ofAll, ofOne]) {
    assert.match(await renderNotes({ ...usual, config }), warning)
    const enabled = { ...usual, config, tekton: { enabled: true } }
    assert.doesNotMatch(await renderNotes(enabled), warning)
  }
  const jobs = { ...ofAll, repositories: [{ ...entry, images: [{ name: 'a', backend: 'job' }] }] }
  for (const config of [usual.config, jobs]) {
    assert.doesNotMatch(await renderNotes({ ...usual, config }), warning)
  }
})

test('a publicUrl that is the Service itself needs no way from outside', async () => {
  for (const host of ['kanihook.kanihook.svc', 'kanihook.kanihook.svc.cluster.local']) {
    const notes = await renderNotes({ ...usual, publicUrl: `http://${host}` })
    assert.doesNotMatch(notes, /Nothing leads from outside/, host)
  }
  const another = await renderNotes({ ...usual, publicUrl: 'http://kanihook.kanihook.example' })
  assert.match(another, /Nothing leads from outside/)
})

test('an Ingress below a path is said to need a controller that takes the path off', async () => {
  const ingress = { enabled: true }
  const notes = (publicUrl: string) => renderNotes({ ...usual, publicUrl, ingress })
  assert.match(await notes('https://acme.test/kanihook'), /publicUrl has the path \/kanihook,/)
  assert.doesNotMatch(await notes('https://kanihook.acme.test/'), /has the path/)
})

test('the notes warn of what is for trying out, and repeat no secret', async () => {
  const notes = await renderNotes(tryingOut)
  assert.match(notes, /bundled Redis is for trying out/)
  assert.match(notes, /came from values.*GITEA_WEBHOOK_SECRETS, GITEA_TOKEN, registryCredentials/)
  assert.match(notes, /publicUrl is not https/)
  assert.doesNotMatch(notes, /for-tests|push-me/)
  assert.doesNotMatch(await renderNotes(usual), /trying out|came from values|not https/)
})

test('the notes say when builds are not kept from the Kubernetes API', async () => {
  assert.match(await renderNotes(usual), /builds are not kept from it/)
  assert.doesNotMatch(await renderNotes(row('network addresses given')), /not kept from it/)
  assert.match(await renderNotes(row('no network policies')), /networkPolicy.enabled is false/)
})

test('a Redis without a password is said to be one, where the URL is known', async () => {
  const notes = async (value: string): Promise<string> =>
    renderNotes({ ...usual, redis: { url: { value } } })
  assert.match(await notes('redis://redis.acme.test:6379'), /redis\.url has no password/)
  assert.doesNotMatch(await notes('redis://:secret@redis.acme.test:6379'), /has no password/)
})
