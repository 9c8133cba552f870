import type { ApiBuild } from '../../src/cli/api/answers.ts'

/** A build as the API gives it; what a test is about it says itself. */
export const sampleBuild = (change: Partial<ApiBuild> = {}): ApiBuild => ({
  id: 'a'.repeat(16),
  repository: { host: 'git.example.com', path: 'acme/app' },
  ref: 'refs/heads/main',
  sha: `1234567${'0'.repeat(33)}`,
  image: 'app',
  attempt: 1,
  state: 'starting',
  reason: null,
  pushed: [],
  createdAt: '2026-01-31T12:00:00Z',
  endedAt: null,
  steps: [],
  tries: 1,
  remarks: [],
  ...change,
})
