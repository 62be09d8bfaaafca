import { parseHttpIdentifier } from '../source/http/http-identifier.ts'
import type { HttpFile, HttpSource } from '../source/http/http-source.ts'
import type { OpContext } from '../solver/op.ts'
import type { SourceFactory } from './source-op.ts'

/** `http://` and `https://`: one file. */
export function httpSourceFactory(scheme: 'http' | 'https', source: HttpSource): SourceFactory {
  return (rest, attrs) => {
    const identifier = parseHttpIdentifier(scheme, rest, attrs)
    let file: HttpFile | undefined
    const resolve = async (ctx: OpContext): Promise<HttpFile> => {
      file ??= await source.verified(identifier, ctx)
      return file
    }
    return {
      keys: async ctx => [source.key(identifier, await resolve(ctx))],
      tree: async ctx => source.tree(identifier, await resolve(ctx), ctx),
      pin: () => file?.digest,
    }
  }
}
