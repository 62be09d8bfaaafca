import { setValues, valuesOf } from './transport/header-values.ts'

/** Who a session is, as its stream's metadata says. */
export interface SessionIdentity {
  readonly id: string
  readonly name: string
  readonly sharedKey: string
}

const keys = {
  id: 'x-docker-expose-session-uuid',
  name: 'x-docker-expose-session-name',
  sharedKey: 'x-docker-expose-session-sharedkey',
  method: 'x-docker-expose-session-grpc-method',
} as const

/** Metadata of a session stream. `methods` are the methods that the client serves, as `/pkg.Service/Method`. */
export function sessionHeaders(identity: SessionIdentity, methods: readonly string[]): Headers {
  const headers = new Headers({ [keys.id]: identity.id, [keys.sharedKey]: identity.sharedKey })
  // Buildx names its sessions after the context directory; names are only shown.
  if (/^[\x20-\x7e]+$/.test(identity.name)) headers.set(keys.name, identity.name)
  setValues(headers, keys.method, methods)
  return headers
}

/** The reverse of `sessionHeaders`; what is absent is empty. */
export function readSessionHeaders(headers: Headers): {
  identity: SessionIdentity
  methods: readonly string[]
} {
  const one = (key: string): string => valuesOf(headers, key)[0] ?? ''
  return {
    identity: { id: one(keys.id), name: one(keys.name), sharedKey: one(keys.sharedKey) },
    methods: valuesOf(headers, keys.method),
  }
}

/** A test for methods, by name, in which case does not count. */
export function methodSet(methods: readonly string[]): (methodUrl: string) => boolean {
  const known = new Set(methods.map(method => method.toLowerCase()))
  return methodUrl => known.has(methodUrl.toLowerCase())
}
