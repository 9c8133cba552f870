import type { ForgeSettings } from '../forges/forge.ts'

export type Role = 'receiver' | 'worker'

/** What the containers of a build's pod run. */
export interface BuildImages {
  readonly kanikoImage: string
  readonly cloneImage: string
  readonly scanImage: string
  readonly publishImage: string
}

/** Everything the environment says, validated. Durations are milliseconds. */
export interface Settings extends BuildImages {
  readonly roles: readonly Role[]
  readonly host: string
  readonly port: number
  readonly adminHost: string
  readonly adminPort: number
  readonly redisUrl: string
  /** Path of kanihook.yaml. */
  readonly configFile: string
  /** Base of the links in statuses, no trailing slash. */
  readonly publicUrl: string
  readonly logLevel: string
  readonly logFormat: 'json' | 'pretty'
  /** The forges that are on, by name; at least one. */
  readonly forges: ReadonlyMap<string, ForgeSettings>
  /** The folder of the secrets that entries have of their own; undefined: there are none. */
  readonly webhookSecretsDir: string | undefined
  readonly buildNamespace: string
  /** A shell in that image, by which its container can wait for the clone; empty: it is started after it. */
  readonly kanikoShell: string
  /** 0: as many as the cluster takes. */
  readonly maxBuilds: number
  readonly maxBuildsPerRepository: number
  /** Empty: the admin API answers on a loopback address alone. */
  readonly adminTokens: readonly string[]
  /** Newest first. Empty: one is made and kept in Redis. */
  readonly linkSecrets: readonly string[]
  readonly pages: 'link' | 'off'
  readonly buildRetentionMs: number
  readonly logRetentionMs: number
  /** How often each repository's refs are looked at for pushes that nobody told of; 0: never. */
  readonly sweepIntervalMs: number
  readonly shutdownTimeoutMs: number
  /** Undefined: this process takes no uploads. */
  readonly uploads: UploadSettings | undefined
  /** What is allowed and may still not be meant. */
  readonly warnings: readonly SettingsWarning[]
}

/** What this process does with contexts that are uploaded to it. */
export interface UploadSettings {
  /** A folder of its own: what is in it at the start is left over, and removed. */
  readonly dir: string
  /** Where the pods of builds fetch them, at an address of this machine. */
  readonly port: number
  /** The same as those pods say it, no trailing slash; undefined: this machine's address and that port. */
  readonly url: string | undefined
  /** Bytes of one archive. */
  readonly maxBytes: number
  /** Bytes of all that are held at once. */
  readonly diskBytes: number
}

export interface SettingsWarning {
  /** `PUBLIC_URL` */
  readonly variable: string
  /** A sentence that names the variable, never its value. */
  readonly message: string
}

/** `registries` of kanihook.yaml: what differs from a public HTTPS registry. */
export interface RegistrySettings {
  /** `host[:port]` as in an image's name. */
  readonly host: string
  /** Plain HTTP instead of HTTPS. */
  readonly insecure: boolean
  /** HTTPS whose certificate is not verified. */
  readonly skipTlsVerify: boolean
  /** Pull images of `host` from here instead, where set. */
  readonly mirror: string | undefined
}
