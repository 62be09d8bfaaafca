import { createHash } from 'node:crypto'
import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { LocalCopies } from '../source/local/local-copies.ts'
import type { SessionCaller, SessionStore } from '../session/session.ts'
import type { LocalFilter, Ref } from '../snapshot/ref.ts'
import type { OpContext } from '../solver/op.ts'
import type { FileDigestCache } from './content-hash.ts'
import { countTransfer } from './count-transfer.ts'
import type { SourceFactory } from './source-op.ts'

/** A list attribute: JSON array of strings. Throws `invalid-argument`. */
function readList(attrs: Readonly<Record<string, string>>, key: string): readonly string[] {
  const text = attrs[key]
  if (text === undefined || text === '') return []
  const value: unknown = JSON.parse(text)
  if (value === null) return []
  if (!Array.isArray(value) || value.some(one => typeof one !== 'string')) {
    throw new SlipwayError('invalid-argument', `invalid ${key} ${text}`)
  }
  return value as string[]
}

/** A pattern that is none, as daemons hear of it: from the client, over the wire. */
function fromClient(e: unknown): unknown {
  if (!isSlipwayError(e) || !/^invalid (?:in|ex)cludepatterns: /.test(e.message)) return e
  return new SlipwayError(e.code, `rpc error: code = Unknown desc = ${e.message}`, { cause: e })
}

const readDiffer = (text: string | undefined): 'metadata' | 'none' | undefined =>
  text === 'metadata' || text === 'none' ? text : undefined

/**
 * `local://`: a directory of the client. An in-process client's is read in place; any other's is kept as a copy that each
 * build brings up to date. Its key is good for one session; steps that take from it go by what they take.
 */
export function localSourceFactory(
  sessions: SessionStore,
  copies: LocalCopies,
  digests: (path: string) => FileDigestCache,
): SourceFactory {
  return (name, attrs) => {
    const filter: LocalFilter = {
      includePatterns: readList(attrs, 'local.includepattern'),
      excludePatterns: readList(attrs, 'local.excludepatterns'),
      followPaths: readList(attrs, 'local.followpaths'),
    }
    const contentOnly = /^(1|t|true)$/i.test(attrs['local.metadatatransfer'] ?? '')
      ? readList(attrs, 'local.metadatatransferexclude')
      : undefined
    const differ = readDiffer(attrs['local.differ'])
    const sharedKeyHint = attrs['local.sharedkeyhint'] ?? name
    const find = async (ctx: OpContext): Promise<SessionCaller> => {
      const named = attrs['local.session']
      const ids = named ? [named] : ctx.sessions().toReversed()
      const [first] = ids
      if (first === undefined)
        throw new SlipwayError('failed-precondition', 'could not access local files without session')
      for (const id of ids) {
        const known = sessions.peek(id)
        if (known) return known
      }
      return sessions.get(first, { signal: ctx.signal })
    }
    return {
      async keys(ctx) {
        const session = await find(ctx)
        const facts = createHash('sha256')
          .update(JSON.stringify([session.id, name, filter, contentOnly]))
          .digest('hex')
        return [`session:${name}:sha256:${facts}`]
      },
      async tree(ctx): Promise<Ref> {
        const session = await find(ctx)
        const path = contentOnly === undefined ? session.localDir?.(name) : undefined
        if (path !== undefined) {
          const id = `transferring ${name}:`
          const known = attrs['local.differ'] === 'none' ? undefined : digests(path)
          const current = await countTransfer(path, filter, known, ctx.signal).catch((e: unknown) => {
            throw fromClient(e)
          })
          ctx.progress.status(id, { ...(current === undefined ? {} : { current }), completed: true })
          return { kind: 'local', path, filter, name }
        }
        return copies.fetch(
          session,
          { name, sharedKeyHint, filter, differ, ...(contentOnly === undefined ? {} : { contentOnly }) },
          ctx,
        )
      },
    }
  }
}
