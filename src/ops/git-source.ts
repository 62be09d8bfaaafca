import { SlipwayError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'
import { parseReference } from '../oci/reference.ts'
import { parseGitUrl } from '../llb/git-url.ts'
import { sourceAttribute } from '../llb/source-attribute.ts'
import type { OpContext } from '../solver/op.ts'
import type { GitBundle } from '../source/git/bundle.ts'
import { type GitIdentifier, isCommitSha } from '../source/git/git-identifier.ts'
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
  if (url.ref.startsWith('-')) {
    throw new SlipwayError('invalid-argument', `invalid git ref ${JSON.stringify(url.ref)}`)
  }
  const asBundle = isOn('git.checkoutbundle')
  const bundle = parseBundle(attrs, url.ref)
  if (asBundle && isOn(sourceAttribute.keepGitDir))
    throw new SlipwayError('invalid-argument', 'git.checkoutbundle is incompatible with git.keepgitdir')
  if (asBundle && url.subdir !== '')
    throw new SlipwayError('invalid-argument', 'git.checkoutbundle is incompatible with git.subdir')
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
    asBundle,
    ...(bundle === undefined ? {} : { bundle }),
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

/** The bundle that stands for the remote. Throws `invalid-argument`. */
function parseBundle(attrs: Readonly<Record<string, string>>, ref: string): GitBundle | undefined {
  const locator = attrs['git.bundle'] ?? ''
  if (locator === '') return undefined
  const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
  const [, scheme = '', body = ''] = /^([^:]+):\/\/(.*)$/s.exec(locator) ?? []
  if (scheme === '') throw invalid(`failed to parse git.bundle locator ${quote(locator)}: missing scheme`)
  if (scheme !== 'docker-image+blob' && scheme !== 'oci-layout+blob') {
    const expected = '"docker-image+blob" or "oci-layout+blob"'
    throw invalid(`git.bundle locator scheme ${quote(scheme)} is not supported; expected ${expected}`)
  }
  const reference = parseReference(body)
  const { digest } = reference
  if (digest === undefined)
    throw invalid(`failed to parse git.bundle locator ${quote(locator)}: invalid digest`)
  const checksum = attrs[sourceAttribute.gitChecksum] ?? ''
  if (checksum === '') throw invalid('git.bundle requires git.checksum to be set')
  if (isCommitSha(ref) && !ref.startsWith(checksum))
    throw invalid(`expected checksum to match ${checksum}, got ${ref}`)
  if (scheme === 'docker-image+blob') return { locator, reference, digest }
  const storeId = attrs['oci.store'] || body.slice(0, body.lastIndexOf('@'))
  return { locator, reference, digest, store: { sessionId: attrs['oci.session'] ?? '', storeId } }
}

function parseRemote(text: string): { remote: string; ref: string; subdir: string } {
  const parsed = parseGitUrl(text)
  const url = parsed === 'unknown' ? parseGitUrl(`https://${text}`) : parsed
  if (typeof url === 'string') throw new SlipwayError('invalid-argument', `invalid git url ${text}`)
  return url
}
