import { SlipwayError } from '../errors/slipway-error.ts'
import { parseGitUrl } from '../llb/git-url.ts'
import { sourceAttribute } from '../llb/source-attribute.ts'
import type { OpContext } from '../solver/op.ts'
import type { GitIdentifier } from '../source/git/git-identifier.ts'
import type { GitSource } from '../source/git/git-source.ts'
import type { ResolvedRef } from '../source/git/resolve-ref.ts'
import type { SourceFactory } from './source-op.ts'

/** `git://`: files of a commit. */
export function gitSourceFactory(source: GitSource): SourceFactory {
  return (rest, attrs) => {
    const identifier = parseGitIdentifier(rest, attrs)
    let found: Promise<ResolvedRef> | undefined
    let object: string | undefined
    const find = async (ctx: OpContext): Promise<ResolvedRef> => {
      const ref = await source.resolve(identifier, ctx)
      await source.verify(identifier, ref, ctx)
      object = ref.object
      return ref
    }
    const resolve = (ctx: OpContext): Promise<ResolvedRef> => {
      found ??= find(ctx)
      found.catch(() => {
        found = undefined
      })
      return found
    }
    return {
      keys: async ctx => [source.key(identifier, await resolve(ctx))],
      tree: async ctx => source.tree(identifier, await resolve(ctx), ctx),
      pin: () => object,
    }
  }
}

/** Reads `git://<host>/<path>#<ref>:<subdir>` with its attributes. Throws `invalid-argument`. */
export function parseGitIdentifier(rest: string, attrs: Readonly<Record<string, string>>): GitIdentifier {
  const url = parseRemote(rest)
  const isOn = (key: string): boolean => attrs[key] === 'true'
  const text = (key: string): string | undefined => attrs[key] || undefined
  const unknown = Object.keys(attrs).find(key => refused.some(prefix => key.startsWith(prefix)))
  if (unknown !== undefined) {
    throw new SlipwayError('unimplemented', `git source attribute ${unknown} is not supported`, {
      hint: 'bundles of git sources are not made or read by this builder',
    })
  }
  if (url.ref.startsWith('-')) {
    throw new SlipwayError('invalid-argument', `invalid git ref ${JSON.stringify(url.ref)}`)
  }
  const full = text(sourceAttribute.gitFullUrl)
  const checksum = text(sourceAttribute.gitChecksum)
  const authTokenSecret = text(sourceAttribute.gitAuthTokenSecret)
  const authHeaderSecret = text(sourceAttribute.gitAuthHeaderSecret)
  const knownSshHosts = text(sourceAttribute.gitKnownSshHosts)
  const sshSocket = text(sourceAttribute.gitMountSshSock)
  return {
    remote: full === undefined ? url.remote : parseRemote(full).remote,
    ref: url.ref,
    subdir: url.subdir,
    keepGitDir: isOn(sourceAttribute.keepGitDir),
    skipSubmodules: isOn(sourceAttribute.gitSkipSubmodules),
    fetchByCommit: isOn(sourceAttribute.gitFetchByCommit),
    mtime: attrs[sourceAttribute.gitMtime] === 'commit' ? 'commit' : 'checkout',
    ...(checksum === undefined ? {} : { checksum }),
    ...(authTokenSecret === undefined ? {} : { authTokenSecret }),
    ...(authHeaderSecret === undefined ? {} : { authHeaderSecret }),
    ...(knownSshHosts === undefined ? {} : { knownSshHosts }),
    ...(sshSocket === undefined ? {} : { sshSocket }),
    ...signatureWish(attrs),
  }
}

/** Who must have signed, where that is asked for in any way. */
function signatureWish(attrs: Readonly<Record<string, string>>): Pick<GitIdentifier, 'signature'> {
  if (!Object.keys(attrs).some(key => key.startsWith('git.sig.'))) return {}
  const isOn = (name: string): boolean => attrs[`git.sig.${name}`] === 'true'
  return {
    signature: {
      publicKey: attrs['git.sig.pubkey'] ?? '',
      rejectExpired: isOn('rejectexpired'),
      requireSignedTag: isOn('requiresignedtag'),
      ignoreSignedTag: isOn('ignoresignedtag'),
    },
  }
}

/** What must not be passed over in silence. */
const refused = ['git.bundle', 'git.checkoutbundle']

function parseRemote(text: string): { remote: string; ref: string; subdir: string } {
  const parsed = parseGitUrl(text)
  const url = parsed === 'unknown' ? parseGitUrl(`https://${text}`) : parsed
  if (typeof url === 'string') throw new SlipwayError('invalid-argument', `invalid git url ${text}`)
  return url
}
