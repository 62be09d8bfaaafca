import type { DescMethod } from '@bufbuild/protobuf'
import type { SessionCaller } from '../session.ts'

/** Tells whether a client serves a method. */
export function supported(caller: SessionCaller, method: DescMethod): boolean {
  return caller.supports(methodUrl(method))
}

/** The name of a method as sessions announce it: `/pkg.Service/Method`. */
export function methodUrl(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`
}
