import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, it } from 'node:test'
import type { ForgeExamination } from '../../../src/forges/examination.ts'
import type { ForgeDriver, ForgeLogin } from '../../../src/forges/forge.ts'
import { startForgeServer } from '../../stand-ins/forge-server.ts'
import { keyAndCertificate } from '../../support/untrusted-certificate.ts'
import type { ForgePartner, StatusFixtures } from './fixtures.ts'

/** The claims about what a driver finds out about its login. */
export function examineContract(driver: ForgeDriver, fixtures: StatusFixtures): void {
  let partner: ForgePartner
  before(async () => {
    partner = await fixtures.startPartner()
  })
  after(() => partner.close())

  const examine = (apiUrl: string, login: ForgeLogin | undefined): Promise<ForgeExamination> =>
    driver.examine({ url: 'https://git.example.com', apiUrl, login, webhookSecrets: ['secret'] })
  const setting = `${driver.name.toUpperCase()}_TOKEN`
  const canary = 'canary-4f1d8a-canary'

  it('a good token is fine and names its owner', async () => {
    const { remarks } = await examine(partner.apiUrl, partner.login)
    assert.deepEqual(
      remarks.filter(({ severity }) => severity !== 'ok'),
      [],
    )
    assert.match(remarks[0]?.message ?? '', new RegExp(`\\b${partner.owner}\\b`))
  })

  it("tells how far the forge's clock is from this one", async () => {
    const { clockOffsetMs } = await examine(partner.apiUrl, partner.login)
    assert(clockOffsetMs !== undefined && Math.abs(clockOffsetMs) < 5_000, String(clockOffsetMs))
  })

  it('a wrong token is an error that says what to set, and does not show it', async () => {
    const { remarks } = await examine(partner.apiUrl, { token: canary })
    assert.deepEqual(
      remarks.map(({ severity }) => severity),
      ['error'],
    )
    assert.match(remarks[0]?.message ?? '', /refused \(401/)
    assert.match(remarks[0]?.fix ?? '', new RegExp(`set ${setting} to`))
    assert(!JSON.stringify(remarks).includes(canary))
  })

  it('no token at all is an error that names the setting', async () => {
    const { remarks } = await examine(partner.apiUrl, undefined)
    assert.deepEqual(
      remarks.map(({ severity }) => severity),
      ['error'],
    )
    assert.match(remarks[0]?.message ?? '', new RegExp(setting))
  })

  for (const [claim, fault] of [
    ['an API that is away', 'drop'],
    ['an API in trouble', { status: 503, body: { message: `no CERTIFICATE, ${canary}` } }],
    ['an API that moved', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
    ['something else that answers', { status: 200, body: '<h1>Hello</h1>' }],
  ] as const) {
    it(`${claim} is an error that says where to look`, async () => {
      const api = await startForgeServer('fault', () => ({ status: 500 }))
      api.fail(fault, 9)
      try {
        const { remarks } = await examine(api.url, { token: canary })
        assert.deepEqual(
          remarks.map(({ severity }) => severity),
          ['error'],
        )
        const [said] = remarks
        assert.match(
          `${said?.message} ${said?.fix}`,
          new RegExp(`${driver.name.toUpperCase()}_API_URL`),
        )
        assert(!JSON.stringify(remarks).includes(canary))
      } finally {
        await api.close()
      }
    })
  }
  it('a certificate that is not trusted is an error that says how to trust it', async () => {
    const server = createServer(keyAndCertificate()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      const { remarks } = await examine(`https://127.0.0.1:${port}`, { token: canary })
      assert.match(remarks[0]?.message ?? '', /cannot be reached: \w*SELF_SIGNED/)
      assert.match(remarks[0]?.fix ?? '', /NODE_EXTRA_CA_CERTS/)
    } finally {
      server.close()
    }
  })
}
