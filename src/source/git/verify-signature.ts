import { createHash } from 'node:crypto'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { type KeyPolicy, verifyOpenPgp } from '../signature/openpgp.ts'
import { verifySshSignature } from '../signature/ssh-signature.ts'

/** Who must have signed a commit, or the tag that it was found by. */
export interface SignatureWish {
  /** Armored OpenPGP keys, or a line of authorized_keys. */
  readonly publicKey: string
  readonly rejectExpired: boolean
  /** A signature of the commit is not enough. */
  readonly requireSignedTag: boolean
  /** A signature of the tag does not count. */
  readonly ignoreSignedTag: boolean
}

/** Objects to verify, with the names they were found by. */
export interface SignedObjects {
  readonly commit: Uint8Array
  readonly commitName: string
  readonly tag?: Uint8Array
  readonly tagName?: string
}

/** An object as git signs it. */
interface GitObject {
  readonly type: 'tag' | 'commit'
  /** Armored; empty where it is not signed. */
  readonly signature: string
  readonly signed: Buffer
}

/**
 * Verifies the signature of a tag, else that of its commit. `now` in seconds since 1970. Throws `permission-denied`
 * (`git object is not signed`), `data-loss` where an object is not the one of its name.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/source/git/source.go, verifyGitSignature
 */
export function verifyGitSignature(objects: SignedObjects, wish: SignatureWish, now: number): void {
  const policy = { rejectExpired: wish.rejectExpired, now }
  let problem: unknown
  if (!wish.ignoreSignedTag && objects.tag !== undefined) {
    checkName('tag', objects.tag, objects.tagName ?? '')
    try {
      verifyObject(objects.tag, wish.publicKey, policy)
      return
    } catch (e) {
      problem = e
    }
  }
  if (wish.requireSignedTag) {
    throw problem ?? new SlipwayError('permission-denied', 'signed tag required but no signed tag found')
  }
  checkName('commit', objects.commit, objects.commitName)
  verifyObject(objects.commit, wish.publicKey, policy)
}

function verifyObject(bytes: Uint8Array, publicKey: string, policy: KeyPolicy): void {
  const { signature, signed } = parseObject(bytes)
  if (signature === '') throw new SlipwayError('permission-denied', 'git object is not signed')
  if (signature.startsWith('-----BEGIN PGP SIGNATURE-----'))
    verifyOpenPgp(() => [signed], signature, publicKey, policy)
  else if (signature.startsWith('-----BEGIN SSH SIGNATURE-----'))
    verifySshSignature(signed, signature, publicKey, 'git')
  else throw new SlipwayError('permission-denied', 'invalid signature format')
}

/** Takes the signature out of an object. Latin-1 keeps bytes as they are. */
function parseObject(bytes: Uint8Array): GitObject {
  const text = Buffer.from(bytes).toString('latin1')
  const end = text.indexOf('\n\n')
  if (text.startsWith('object ')) {
    const at = text.search(/^-----BEGIN (?:PGP|SSH) SIGNATURE-----$/m)
    const found = at > end && end >= 0
    return {
      type: 'tag',
      signature: found ? text.slice(at) : '',
      signed: Buffer.from(found ? text.slice(0, at) : text, 'latin1'),
    }
  }
  const headers: string[] = []
  const signature: string[] = []
  let inSignature = false
  for (const line of (end < 0 ? text : text.slice(0, end)).split('\n')) {
    const first = /^gpgsig(?:-sha256)? (.*)$/.exec(line)?.[1]
    if (first !== undefined) signature.push(first)
    else if (inSignature && line.startsWith(' ')) signature.push(line.slice(1))
    else headers.push(line)
    inSignature = first !== undefined || (inSignature && line.startsWith(' '))
  }
  const rest = end < 0 ? '' : text.slice(end)
  return {
    type: 'commit',
    signature: signature.join('\n'),
    signed: Buffer.from(headers.join('\n') + rest, 'latin1'),
  }
}

/** Git calls an object by the hash of its type, length and bytes. */
function checkName(type: 'tag' | 'commit', bytes: Uint8Array, name: string): void {
  const hash = createHash(name.length === 64 ? 'sha256' : 'sha1')
  const found = hash.update(`${type} ${bytes.length}\0`).update(bytes).digest('hex')
  if (found === name) return
  const problem = new SlipwayError('data-loss', `expected checksum ${name}, got ${found}`)
  throw wrapError(`${type} object checksum verification failed`, problem)
}
