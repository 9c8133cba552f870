import { describe } from 'node:test'
import { gitea } from '../../src/forges/gitea/index.ts'
import { github } from '../../src/forges/github/index.ts'
import { gitlab } from '../../src/forges/gitlab/index.ts'
import { forgeContract } from './forge.ts'
import { giteaFixtures } from './forges/gitea.ts'
import { githubFixtures } from './forges/github.ts'
import { gitlabSigningFixtures, gitlabTokenFixtures } from './forges/gitlab.ts'

describe('GitHub', () => forgeContract(github, githubFixtures))
describe('GitLab with secret tokens', () => forgeContract(gitlab, gitlabTokenFixtures))
describe('GitLab with signing keys', () => forgeContract(gitlab, gitlabSigningFixtures))
describe('Gitea', () => forgeContract(gitea, giteaFixtures()))
