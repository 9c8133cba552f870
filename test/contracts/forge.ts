import { describe } from 'node:test'
import type { ForgeDriver } from '../../src/forges/forge.ts'
import type { ForgeFixtures } from './forges/fixtures.ts'
import { examineContract } from './forges/examine-contract.ts'
import { statusContract } from './forges/status-contract.ts'
import { webhookContract } from './forges/webhook-contract.ts'

export type { ForgeFixtures, ForgePartner, ShownStatus } from './forges/fixtures.ts'

/** What every forge's driver must do, on its stand-in and on the real forge alike. */
export function forgeContract(driver: ForgeDriver, { webhooks, statuses }: ForgeFixtures): void {
  describe('webhooks', () => webhookContract(driver, webhooks))
  describe('client', () => statusContract(driver, statuses))
  describe('examination', () => examineContract(driver, statuses))
}
