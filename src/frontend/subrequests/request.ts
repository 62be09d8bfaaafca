import type { JsonValue } from '../../gostd/json.ts'

/** A kind of sub-request, as `describe` lists it. */
export interface Request {
  readonly name: string
  readonly version: string
  readonly description: string
  /** Attributes that it obeys; undefined where the list is not even empty. */
  readonly options?: readonly { readonly name: string; readonly description: string }[]
  /** Names of the facts that it answers. */
  readonly facts: readonly string[]
}

const common = ['result.json', 'result.txt']

/** The sub-requests. Source: https://github.com/moby/buildkit/tree/v0.32.2/frontend/subrequests */
export const requests = {
  lint: {
    name: 'frontend.lint',
    version: '1.0.0',
    description: 'Lint a Dockerfile',
    options: [],
    facts: [...common, 'result.statuscode'],
  },
  outline: {
    name: 'frontend.outline',
    version: '1.0.0',
    description: 'List all parameters current build target supports',
    options: [{ name: 'target', description: 'Target build stage' }],
    facts: common,
  },
  targets: {
    name: 'frontend.targets',
    version: '1.0.0',
    description: 'List all targets current build supports',
    options: [],
    facts: common,
  },
  describe: {
    name: 'frontend.subrequests.describe',
    version: '1.0.0',
    description: 'List available subrequest types',
    facts: common,
  },
  convertLlb: {
    name: 'frontend.convertllb',
    version: '0.1.0',
    description: 'Convert Dockerfile to LLB',
    options: [],
    facts: ['result.json'],
  },
} as const satisfies Record<string, Request>

/** A request in the JSON of `describe`. */
export function requestJson(request: Request): JsonValue {
  const { name, version, description, options, facts } = request
  return {
    name,
    version,
    type: 'rpc',
    description,
    opts: options ?? null,
    inputs: null,
    metadata: facts.map(fact => ({ name: fact, description: '' })),
    refs: null,
  }
}
