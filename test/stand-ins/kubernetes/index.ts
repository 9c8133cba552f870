export { mayAsWorker, type Account } from './account.ts'
export { createProcessRunner } from './process-runner.ts'
export type { PodHandle, PodRunner } from './pod-handle.ts'
export {
  createScriptedRunner,
  fails,
  hangs,
  simulatedDigest,
  succeeds,
  type ScriptedPod,
  type Script,
  type ScriptedRunner,
} from './scripted-runner.ts'
export { startKubernetes, type Fault, type Kubernetes } from './server.ts'
export { Refusal } from './status.ts'
