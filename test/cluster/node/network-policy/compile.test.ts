import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { V1NetworkPolicy, V1NetworkPolicySpec } from '@kubernetes/client-node'
import { compile } from './compile.ts'
import type { Pod } from './peers.ts'

/** What a policy makes of the packets of `web`, a pod of the namespace `shop`. */

const pod = (namespace: string, name: string, address: string, port = 80): Pod => ({
  namespace,
  name,
  address,
  labels: { app: name },
  ports: [{ name: 'http', protocol: 'TCP', number: port }],
})
const web = pod('shop', 'web', '10.0.0.1')
const database = pod('shop', 'database', '10.0.0.2', 5432)
const scraper = pod('metrics', 'scraper', '10.0.0.3', 9090)
const pods = [web, database, scraper]
const namespaces = new Map([
  ['shop', { team: 'shop' }],
  ['metrics', { team: 'platform' }],
])
const app = (app: string) => ({ podSelector: { matchLabels: { app } } })
const team = (team: string) => ({ namespaceSelector: { matchLabels: { team } } })

function policy(spec: V1NetworkPolicySpec, namespace = 'shop'): V1NetworkPolicy {
  return { metadata: { name: 'any', namespace }, spec }
}
const ofWeb = (spec: Partial<V1NetworkPolicySpec>) => policy({ ...app('web'), ...spec })

const rules = (...policies: V1NetworkPolicy[]): string[] =>
  compile(policies, { pods, namespaces }).map((rule) => rule.replace('-A NETWORK-POLICY ', ''))

/** What the rules allow to or from `web` beside itself, as the options of iptables. */
const allowed = (spec: V1NetworkPolicySpec): string[] =>
  rules(ofWeb(spec)).flatMap((rule) => {
    const match = /^-[sd] 10\.0\.0\.1 ?(.*) -j MARK --set-xmark 0x0\/0x10000$/.exec(rule)?.[1]
    return match === undefined || /^-[sd] 10\.0\.0\.1$/.test(match) ? [] : [match]
  })

const ingress = (...rules: NonNullable<V1NetworkPolicySpec['ingress']>) =>
  allowed({ policyTypes: ['Ingress'], ingress: rules })
const egress = (...rules: NonNullable<V1NetworkPolicySpec['egress']>) =>
  allowed({ policyTypes: ['Egress'], egress: rules })

describe('the rules that NetworkPolicies become', () => {
  test('say nothing of pods that no policy selects, but that what is established goes on', () => {
    const established = ['-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN']
    assert.deepEqual(rules(), established)
    assert.deepEqual(rules(policy({ ...app('web') }, 'metrics')), established)
    assert.deepEqual(rules(policy({ ...app('nothing') })), established)
  })

  test('reject what no rule of a selected pod allows, but not what it sends to itself', () => {
    assert.deepEqual(rules(ofWeb({ policyTypes: ['Ingress'] })).slice(1), [
      '-d 10.0.0.1 -m comment --comment "ingress of shop/web" -j MARK --set-xmark 0x10000/0x10000',
      '-d 10.0.0.1 -s 10.0.0.1 -j MARK --set-xmark 0x0/0x10000',
      '-d 10.0.0.1 -m mark --mark 0x10000/0x10000 -j REJECT --reject-with icmp-admin-prohibited',
    ])
  })

  test('isolate the directions that are named, else ingress, and egress where it has rules', () => {
    const isolated = (spec: V1NetworkPolicySpec): string[] =>
      rules(ofWeb(spec)).flatMap((rule) => /"(\w+) of/.exec(rule)?.[1] ?? [])
    assert.deepEqual(isolated({ policyTypes: ['Egress'] }), ['egress'])
    assert.deepEqual(isolated({ policyTypes: ['Ingress', 'Egress'] }), ['egress', 'ingress'])
    assert.deepEqual(isolated({}), ['ingress'])
    assert.deepEqual(isolated({ egress: [{}] }), ['egress', 'ingress'])
  })

  test('allow everybody where a rule names nobody', () => {
    assert.deepEqual(ingress({}), [''])
    assert.deepEqual(egress({ to: [] }), [''])
  })

  test('take the rules of all policies together', () => {
    const first = ofWeb({ policyTypes: ['Ingress'], ingress: [{ _from: [app('database')] }] })
    const second = ofWeb({ policyTypes: ['Ingress'], ingress: [{ _from: [team('platform')] }] })
    const text = rules(first, second).join('\n')
    assert.match(text, /-d 10\.0\.0\.1 -s 10\.0\.0\.2 -j MARK --set-xmark 0x0/)
    assert.match(text, /-d 10\.0\.0\.1 -s 10\.0\.0\.3 -j MARK --set-xmark 0x0/)
    assert.equal(text.match(/REJECT/g)?.length, 1)
  })

  test('choose pods by label in the policy’s own namespace, by namespace, or by both', () => {
    assert.deepEqual(ingress({ _from: [{ podSelector: {} }] }), ['-s 10.0.0.2'])
    assert.deepEqual(ingress({ _from: [app('scraper')] }), [])
    assert.deepEqual(ingress({ _from: [team('platform')] }), ['-s 10.0.0.3'])
    assert.deepEqual(ingress({ _from: [{ ...team('shop'), ...app('scraper') }] }), [])
    assert.deepEqual(ingress({ _from: [{ namespaceSelector: {}, ...app('scraper') }] }), [
      '-s 10.0.0.3',
    ])
    assert.deepEqual(egress({ to: [app('database')] }), ['-d 10.0.0.2'])
  })

  test('know the expressions of a selector', () => {
    const from = (operator: string, values?: string[]) =>
      ingress({
        _from: [
          {
            namespaceSelector: {},
            podSelector: {
              matchExpressions: [{ key: 'app', operator, ...(values ? { values } : {}) }],
            },
          },
        ],
      })
    assert.deepEqual(from('In', ['scraper', 'other']), ['-s 10.0.0.3'])
    assert.deepEqual(from('NotIn', ['scraper', 'web']), ['-s 10.0.0.2'])
    assert.deepEqual(from('Exists'), ['-s 10.0.0.2', '-s 10.0.0.3'])
    assert.deepEqual(from('DoesNotExist'), [])
  })

  test('take the exceptions out of a block of addresses, and leave IPv6 to others', () => {
    const cidr = '10.0.0.0/8'
    const except = ['10.1.7.0/16', '10.2.3.4/32']
    assert.deepEqual(egress({ to: [{ ipBlock: { cidr, except } }] }), [
      '-d 10.0.0.0/8 -m iprange ! --dst-range 10.1.0.0-10.1.255.255 -m iprange ! --dst-range 10.2.3.4-10.2.3.4',
    ])
    assert.deepEqual(ingress({ _from: [{ ipBlock: { cidr, except: [] } }] }), ['-s 10.0.0.0/8'])
    assert.deepEqual(egress({ to: [{ ipBlock: { cidr: '::/0' } }] }), [])
  })

  test('limit to ports: one, a range, a protocol, TCP where none is said', () => {
    const ports = [
      { port: 53, protocol: 'UDP' },
      { port: 8000, endPort: 8099 },
      { protocol: 'SCTP' },
    ]
    assert.deepEqual(egress({ ports }), [
      '-p udp --dport 53',
      '-p tcp --dport 8000:8099',
      '-p sctp',
    ])
    assert.deepEqual(ingress({ _from: [app('database')], ports: [{ port: 1 }] }), [
      '-s 10.0.0.2 -p tcp --dport 1',
    ])
  })

  test('look a port’s name up at the pod that is called', () => {
    const ports = [{ port: 'http' }]
    assert.deepEqual(ingress({ _from: [app('database')], ports }), [
      '-s 10.0.0.2 -p tcp --dport 80',
    ])
    assert.deepEqual(egress({ to: [app('database')], ports }), ['-d 10.0.0.2 -p tcp --dport 5432'])
    assert.deepEqual(egress({ ports }), [
      '-d 10.0.0.1 -p tcp --dport 80',
      '-d 10.0.0.2 -p tcp --dport 5432',
      '-d 10.0.0.3 -p tcp --dport 9090',
    ])
    assert.deepEqual(ingress({ ports: [{ port: 'missing' }] }), [])
    assert.deepEqual(ingress({ ports: [{ port: 'http', protocol: 'UDP' }] }), [])
  })

  test('read a rule as a watch tells it', () => {
    const rule = { from: [app('database')] } as object
    assert.deepEqual(ingress(rule), ['-s 10.0.0.2'])
  })
})
