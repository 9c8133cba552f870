import { buildStates } from '../builds/build.ts'
import { containerNames, stepNames } from '../builds/containers.ts'
import { verbosities } from '../builds/image-plan.ts'
import { severities } from '../builds/scan.ts'

/**
 * The description of `/api`, served at `/api/openapi.json` and held against the real answers by
 * admin.test.ts.
 */
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const json = (name: string, description: string) => ({
  description,
  content: { 'application/json': { schema: ref(name) } },
})
const error = (description: string) => json('Error', description)

const text = { type: 'string' }
const time = { type: 'string', format: 'date-time' }
const nullable = (schema: { type: string; format?: string }) => ({
  ...schema,
  type: [schema.type, 'null'],
})
const listOf = (items: object) => ({ type: 'array', items })
/** Every property is there in every answer. */
const object = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})

const id = { name: 'id', in: 'path', required: true, schema: text }
const query = (name: string, schema: object, description: string) => ({
  name,
  in: 'query',
  required: false,
  schema,
  description,
})

const refusals = {
  '401': error('No admin token, or a wrong one'),
  '403': error('Without ADMIN_TOKENS the API answers on the machine itself alone'),
}
const oneBuild = { ...refusals, '404': error('No build has this id') }

const state = { type: 'string', enum: buildStates }

const foundBy = {
  enum: ['sweep', null],
  description: '`sweep`: no delivery of the push came, a look at the repository found it.',
}

const schemas = {
  Error: object({ error: { ...text, description: 'A sentence for people.' } }),
  Repository: object({
    forge: text,
    id: text,
    host: text,
    path: { ...text, description: 'With every namespace: acme/app.' },
  }),
  Build: object({
    id: text,
    repository: ref('Repository'),
    ref: {
      ...text,
      description:
        'refs/heads/…, refs/tags/…, or of a pull request refs/pull/12/head (GitLab: refs/merge-requests/12/head)',
    },
    sha: { ...text, description: 'The commit that is built and that carries the status.' },
    image: text,
    generation: { type: 'integer', description: 'One more for each change of the ref.' },
    attempt: { type: 'integer', description: 'One more for each rebuild.' },
    cause: { ...text, description: 'Why it was built.' },
    foundBy,
    state,
    reason: { ...nullable(text), description: 'Why it did not succeed.' },
    pushed: listOf(object({ destination: text, digest: text })),
    destinations: listOf(text),
    context: text,
    dockerfile: text,
    createdAt: time,
    endedAt: nullable(time),
    platforms: { ...listOf(text), description: "Empty: the node's own." },
    steps: listOf(
      object({
        name: { type: 'string', enum: stepNames },
        at: time,
        note: nullable(text),
        part: {
          ...nullable(text),
          description: 'Of several platforms the one that it is about, or `index`.',
        },
      }),
    ),
    tries: { type: 'integer', description: 'Jobs so far; infrastructure failures are retried.' },
    ran: {
      ...listOf(object({ container: text, image: text })),
      description: 'The images that its pod ran, by the ids that the node has for them.',
    },
    scans: {
      ...listOf(
        object({
          platform: {
            ...nullable(text),
            description: 'Of several platforms the one of this image.',
          },
          counts: object(
            Object.fromEntries(severities.map((severity) => [severity, { type: 'integer' }])),
          ),
          findings: listOf(
            object({
              severity: { type: 'string', enum: severities },
              id: text,
              package: text,
              installed: text,
              fixed: { ...nullable(text), description: 'The versions that mend it.' },
            }),
          ),
        }),
      ),
      description:
        'What was found in its image, the worst first; of many not all, whose number `counts` has.',
    },
    remarks: { ...listOf(text), description: 'What could be better about it.' },
    stop: {
      description: 'Set when it was asked to end.',
      oneOf: [
        { type: 'null' },
        object({ why: { const: 'superseded' }, bySha: text }),
        object({ why: { const: 'cancelled' }, by: text }),
      ],
    },
    page: { ...nullable(text), description: 'The page that its status links to.' },
    statusRefused: {
      ...nullable(text),
      description: 'Why the commit does not show what became of it: the refusal of the forge.',
    },
    upload: {
      description:
        'Set where an upload was built: `sha` is its SHA-256, and there is no repository.',
      oneOf: [{ type: 'null' }, object({ id: text, bytes: { type: 'integer' } })],
    },
  }),
  Builds: object({
    builds: listOf(ref('Build')),
    next: { ...nullable(time), description: '`before` of the next page.' },
  }),
  Log: object({
    lines: listOf(
      object({
        time: { ...time, description: 'As the kubelet wrote it, with nanoseconds.' },
        container: { type: 'string', enum: containerNames },
        platform: { ...nullable(text), description: 'Which of several it is about.' },
        text,
      }),
    ),
    dropped: { type: 'integer', description: 'Lines after `from` that are not kept any more.' },
    next: { type: 'integer', description: '`from` of what follows.' },
  }),
  Uploads: object({
    maxBytes: { type: 'integer', description: 'How large an upload may be.' },
    images: listOf(object({ name: text, dockerfile: text })),
  }),
  Rebuild: {
    type: 'object',
    properties: {
      verbosity: {
        type: 'string',
        enum: verbosities,
        description: 'How much Kaniko says, in this attempt alone.',
      },
    },
    additionalProperties: false,
  },
  Delivery: object({
    id: text,
    forgeId: { ...nullable(text), description: "The forge's own id of it." },
    foundBy,
    receivedAt: time,
    repository: ref('Repository'),
    ref: text,
    before: text,
    after: text,
    state: { type: 'string', enum: ['queued', 'planning', 'planned', 'ignored', 'failed'] },
    reason: { ...nullable(text), description: 'Why it built, or did not.' },
    builds: { ...listOf(text), description: 'Ids of the builds that it led to.' },
  }),
  Approval: object({
    repository: { ...text, description: 'host/path' },
    number: { type: 'integer', minimum: 1 },
    sha: { ...text, pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' },
  }),
  Approved: object({
    repository: text,
    number: { type: 'integer' },
    sha: text,
    delivery: { ...text, description: 'Id of the delivery that is planned' },
  }),
  Trust: object({ forge: text, path: text, id: { type: 'string', pattern: '^\\d+$' } }),
}

export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'kanihook',
    version: '1',
    description: 'Builds and deliveries, for operators. Served on ADMIN_PORT.',
  },
  security: [{ token: [] }, {}],
  paths: {
    '/api/builds': {
      get: {
        summary: 'Builds, newest first',
        parameters: [
          query('id', { type: 'string', pattern: '^[0-9a-f]{1,16}$' }, 'What the id begins with'),
          query('repository', text, 'acme/app, or github.com/acme/app'),
          query('state', state, 'Only builds in this state'),
          query('limit', { type: 'integer', minimum: 1, maximum: 200, default: 50 }, 'At most'),
          query('before', time, 'Only builds made before this time'),
        ],
        responses: {
          ...refusals,
          '200': json('Builds', 'A page of builds'),
          '400': error('A parameter is not valid'),
        },
      },
    },
    '/api/builds/{id}': {
      parameters: [id],
      get: { summary: 'One build', responses: { ...oneBuild, '200': json('Build', 'The build') } },
    },
    '/api/builds/{id}/log': {
      parameters: [id],
      get: {
        summary: 'The log that is kept of a build: time, container and text of each line',
        parameters: [
          query(
            'from',
            { type: 'integer', minimum: 0, default: 0 },
            'The index of the first line; 0 is the first that ever was',
          ),
        ],
        responses: {
          ...oneBuild,
          '200': {
            description: 'The log: text, or JSON where `Accept` asks for that',
            content: { 'text/plain': { schema: text }, 'application/json': { schema: ref('Log') } },
          },
          '400': error('A parameter is not valid'),
        },
      },
    },
    '/api/builds/{id}/rebuild': {
      parameters: [id],
      post: {
        summary: 'Build the same commit again',
        requestBody: {
          required: false,
          content: { 'application/json': { schema: ref('Rebuild') } },
        },
        responses: {
          ...oneBuild,
          '202': json('Build', 'The new build'),
          '400': error('The body is not valid'),
          '409': error('The state of the build forbids it'),
        },
      },
    },
    '/api/builds/{id}/cancel': {
      parameters: [id],
      post: {
        summary: 'Ask a build to end',
        responses: {
          ...oneBuild,
          '202': json('Build', 'The build; it has ended when its state says so'),
          '409': error('It has ended already'),
        },
      },
    },
    '/api/uploads': {
      get: {
        summary: 'What can be built of an upload',
        responses: {
          ...refusals,
          '200': json('Uploads', 'The images under uploads of kanihook.yaml'),
          '409': error('This process takes no uploads'),
        },
      },
      post: {
        summary: 'Upload the context of a build, and build it',
        parameters: [
          { ...query('image', text, 'One under uploads of kanihook.yaml'), required: true },
          query('dockerfile', text, 'Relative to the root of the archive'),
          query('target', text, 'Stage of the Dockerfile'),
          query('buildArg', listOf(text), 'NAME=value'),
        ],
        requestBody: {
          required: true,
          description: 'A tar.gz.',
          content: { 'application/gzip': { schema: { type: 'string', format: 'binary' } } },
        },
        responses: {
          ...refusals,
          '202': json('Build', 'The build'),
          '400': error('A parameter is not valid, or the body is no tar.gz'),
          '408': error('The body came too slowly'),
          '409': error('There is no such image, a tag is taken, or this process takes no uploads'),
          '413': error('The upload is too large'),
          '507': error('There is no room for it now'),
        },
      },
    },
    '/api/deliveries/{id}': {
      parameters: [id],
      get: {
        summary: 'What a forge sent, what was decided, and why',
        responses: {
          ...refusals,
          '200': json('Delivery', 'The delivery'),
          '404': error('No delivery has this id'),
        },
      },
    },
    '/api/pull-requests/approve': {
      post: {
        summary: 'Have one commit of a pull request built that waits for approval',
        requestBody: {
          required: true,
          content: { 'application/json': { schema: ref('Approval') } },
        },
        responses: {
          ...refusals,
          '202': json('Approved', 'The commit is approved, and planned'),
          '400': error('The body is not valid'),
          '409': error('That commit does not wait for approval'),
        },
      },
    },
    '/api/repositories/trust': {
      post: {
        summary: 'Say yes to a repository whose name was known under another id',
        requestBody: {
          required: true,
          content: { 'application/json': { schema: ref('Trust') } },
        },
        responses: {
          ...refusals,
          '200': json('Trust', 'The repository that is trusted now'),
          '400': error('The body is not valid'),
          '404': error('The name was never seen'),
        },
      },
    },
    '/api/openapi.json': {
      get: {
        summary: 'This document',
        responses: {
          ...refusals,
          '200': {
            description: 'OpenAPI 3.1',
            content: { 'application/json': { schema: { type: 'object' } } },
          },
        },
      },
    },
  },
  components: {
    schemas,
    securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
  },
}
