import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'
import { type Digest, isDigest } from './digest.ts'

/**
 * A fully qualified image name: `domain/path[:tag][@digest]`, with `docker.io` and `library/` filled in.
 * Source: github.com/distribution/reference v0.6.0.
 */
export interface Reference {
  /** Registry host with optional port: `docker.io`, `localhost:5000`. */
  readonly domain: string
  /** Repository below the host: `library/alpine`. */
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

const defaultDomain = 'docker.io'
const legacyDomain = 'index.docker.io'
const officialPrefix = 'library/'
const defaultTag = 'latest'

const alphanumeric = '[a-z0-9]+'
const pathComponent = `${alphanumeric}(?:(?:[._]|__|-+)${alphanumeric})*`
const remoteName = `${pathComponent}(?:/${pathComponent})*`
const domainComponent = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const host = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])`
const domainAndPort = `${host}(?::[0-9]+)?`
const tagForm = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const digestForm = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'

const referencePattern = new RegExp(
  `^(?:(${domainAndPort})/)?(${remoteName})(?::(${tagForm}))?(?:@(${digestForm}))?$`,
)
const identifierPattern = /^[a-f0-9]{64}$/
const tagPattern = new RegExp(`^${tagForm}$`)

/** Names longer than this cannot be valid and are not worth matching. */
const maxLength = 4096
const maxPathLength = 255

/**
 * Reads a name as docker users write it (`alpine`, `me/app:1`, `host:5000/a/b@sha256:…`) and fills in registry and
 * `library/`; tag and digest stay as given. Throws `invalid-argument` in the words of distribution/reference.
 */
export function parseReference(text: string): Reference {
  if (identifierPattern.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`)
  }
  const [domain, remainder] = splitDomain(text)
  const name = remainder.split(':', 1)[0] ?? ''
  if (name.toLowerCase() !== name) {
    throw invalid(
      `invalid reference format: repository name (${name.slice(0, maxPathLength)}) must be lowercase`,
    )
  }
  return match(`${domain}/${remainder}`)
}

/**
 * A name of a tag option as given, nothing filled in before it is judged: `Foo/x` is wrong here for its upper case.
 * Throws `invalid-argument` (`invalid tag "Foo/x": repository name must be lowercase`).
 */
export function parseTag(text: string): Reference {
  try {
    if (text === '') throw invalid('repository name must have at least one component')
    match(text)
  } catch (error) {
    throw wrapError(`invalid tag ${quote(text)}`, error)
  }
  return withDefaultTag(parseReference(text))
}

function match(full: string): Reference {
  const found = full.length > maxLength ? null : referencePattern.exec(full)
  if (found === null) {
    if (full.length <= maxLength && referencePattern.test(full.toLowerCase())) {
      throw invalid('repository name must be lowercase')
    }
    throw invalid('invalid reference format')
  }
  const [, domain = '', path = '', tag, digest] = found
  if (path.length > maxPathLength) {
    throw invalid(`repository name must not be more than ${maxPathLength} characters`)
  }
  return {
    domain,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: checkDigest(digest) }),
  }
}

function checkDigest(text: string): Digest {
  if (isDigest(text)) return text
  const [algorithm = '', hex = ''] = text.split(':')
  if (algorithm !== 'sha256') throw invalid('unsupported digest algorithm')
  throw invalid(hex.length === 64 ? 'invalid checksum digest format' : 'invalid checksum digest length')
}

/** The part before the first slash counts as a registry where it looks like one: a dot, a port, localhost, capitals. */
function splitDomain(name: string): [domain: string, remainder: string] {
  const slash = name.indexOf('/')
  if (slash < 0) return [defaultDomain, officialPrefix + name]
  const first = name.slice(0, slash)
  const rest = name.slice(slash + 1)
  const isHost = first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first
  const domain = !isHost || first === legacyDomain ? defaultDomain : first
  const remainder = isHost ? rest : name
  return [
    domain,
    domain === defaultDomain && !remainder.includes('/') ? officialPrefix + remainder : remainder,
  ]
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message, {
    hint: 'an image name reads [registry[:port]/]name[:tag][@sha256:…], with the name in lower case',
  })
}

/** The name without tag and digest: `docker.io/library/alpine`. */
export function repositoryName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`
}

/** The whole name, fully qualified. */
export function formatReference(reference: Reference): string {
  return repositoryName(reference) + suffix(reference)
}

/** The name as docker shows it: `docker.io/library/alpine` is `alpine`. Tag and digest are left out. */
export function familiarName(reference: Reference): string {
  const { domain, path } = reference
  if (domain !== defaultDomain) return `${domain}/${path}`
  const short = path.startsWith(officialPrefix) ? path.slice(officialPrefix.length) : path
  return short.includes('/') ? path : short
}

/** As `familiarName`, with tag and digest. */
export function familiarReference(reference: Reference): string {
  return familiarName(reference) + suffix(reference)
}

function suffix(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  return reference.digest === undefined ? tag : `${tag}@${reference.digest}`
}

/** Neither tag nor digest is given. */
export function isNameOnly(reference: Reference): boolean {
  return reference.tag === undefined && reference.digest === undefined
}

/** With the tag `latest` where neither tag nor digest is given. */
export function withDefaultTag(reference: Reference): Reference {
  return isNameOnly(reference) ? { ...reference, tag: defaultTag } : reference
}

/** With another tag. Throws `invalid-argument`. */
export function withTag(reference: Reference, tag: string): Reference {
  if (!tagPattern.test(tag)) throw invalid('invalid tag format')
  return { ...reference, tag }
}

/** With another digest; the tag stays. */
export function withDigest(reference: Reference, digest: Digest): Reference {
  return { ...reference, digest }
}

/** Only the repository. */
export function trimReference(reference: Reference): Reference {
  return { domain: reference.domain, path: reference.path }
}

/** The name of an image that is to be pulled: without tag and digest the tag is `latest`; beside a digest it only tells. */
export function parsePullReference(text: string): Reference {
  return withDefaultTag(parseReference(text))
}

/** Tells whether `text` can be a tag. */
export function isTag(text: string): boolean {
  return tagPattern.test(text)
}
