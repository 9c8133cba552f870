import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseConfig } from '../settings/config-file.ts'
import { pullSecrets, registryGroups } from './registry-targets.ts'

const config = (text: string) => parseConfig(text, 'kanihook.yaml')

it('what uploads push and pull with is tried as what pushes do', () => {
  const both = config(`
registries: [{ host: reg.acme.io, insecure: true }]
repositories:
  - match: git.acme.io/acme/app
    images: [{ name: app, destination: reg.acme.io/app, pushSecret: push }]
uploads:
  - { name: shop, destination: reg.acme.io/shop, pushSecret: push }
  - name: scanned
    destination: reg.acme.io/scanned
    pushSecret: push
    scan: { database: { repository: reg.acme.io/mirror/trivy-db, secret: mirror } }
  - { name: web, destination: other.acme.io/web, pushSecret: own, pullSecret: pull, publish: apart }
`)
  const groups = registryGroups(both).map(({ host, secret, names, insecure }) => ({
    host,
    secret,
    names,
    insecure,
  }))
  assert.deepEqual(groups, [
    { host: 'reg.acme.io', secret: 'push', names: ['app', 'shop', 'scanned'], insecure: true },
    { host: 'other.acme.io', secret: 'own', names: ['web'], insecure: false },
  ])
  assert.deepEqual(pullSecrets(both), [
    { key: 'scan.database.secret', name: 'mirror', registry: 'reg.acme.io' },
    { key: 'pullSecret', name: 'pull' },
  ])
})
