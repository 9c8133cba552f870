import type { ForgeDriver } from './forge.ts'
import { gitea } from './gitea/index.ts'
import { github } from './github/index.ts'
import { gitlab } from './gitlab/index.ts'

/** Every forge that kanihook speaks; the order is that of messages and documents. */
export const forges: readonly ForgeDriver[] = [github, gitlab, gitea]
