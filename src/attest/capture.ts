import { parseReference, repositoryName } from '../oci/reference.ts'
import { redactUrl } from './redact-url.ts'
import type {
  BlobOrigin,
  GitOrigin,
  HttpOrigin,
  ImageOrigin,
  NamedSecret,
  Sources,
  UnknownRequest,
} from './sources.ts'

/**
 * What went into a tree: sources, secrets, agents, the network. Equal entries are kept once; credentials in URLs never
 * get in. Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/provenance/capture.go
 */
export class Capture implements Sources {
  images: ImageOrigin[] = []
  blobs: BlobOrigin[] = []
  git: GitOrigin[] = []
  http: HttpOrigin[] = []
  locals: string[] = []
  secrets: NamedSecret[] = []
  ssh: NamedSecret[] = []
  /** A step could reach the network. */
  networkAccess = false
  /** A step reached the network through a proxy only. */
  proxyNetwork = false
  /** What went through it and is not known. */
  unknownRequests: UnknownRequest[] = []
  /** Something came from outside that is not listed. */
  incomplete = false

  addImage(image: ImageOrigin): void {
    if (!this.images.some(known => sameImage(known, image))) this.images.push(image)
  }

  addBlob(blob: BlobOrigin): void {
    const same = (known: BlobOrigin): boolean =>
      known.reference === blob.reference && known.local === blob.local
    if (!this.blobs.some(same)) this.blobs.push(blob)
  }

  addGit(origin: GitOrigin): void {
    const url = redactUrl(origin.url)
    if (!this.git.some(known => known.url === url)) this.git.push({ ...origin, url })
  }

  addHttp(origin: HttpOrigin): void {
    const url = redactUrl(origin.url)
    if (!this.http.some(known => known.url === url)) this.http.push({ ...origin, url })
  }

  addLocal(name: string): void {
    if (!this.locals.includes(name)) this.locals.push(name)
  }

  addSecret(secret: NamedSecret): void {
    addNamed(this.secrets, secret)
  }

  addSsh(ssh: NamedSecret): void {
    addNamed(this.ssh, { ...ssh, id: ssh.id || 'default' })
  }

  addUnknownRequest(request: UnknownRequest): void {
    const same = (known: UnknownRequest): boolean =>
      unknownFields.every(field => known[field] === request[field])
    if (!this.unknownRequests.some(same)) this.unknownRequests.push(request)
    this.incomplete = true
  }

  /** Takes over what another capture has. */
  merge(other: Capture): void {
    for (const image of other.images) this.addImage(image)
    for (const blob of other.blobs) this.addBlob(blob)
    for (const origin of other.git) this.addGit(origin)
    for (const origin of other.http) this.addHttp(origin)
    for (const name of other.locals) this.addLocal(name)
    for (const secret of other.secrets) this.addSecret(secret)
    for (const ssh of other.ssh) this.addSsh(ssh)
    this.networkAccess ||= other.networkAccess
    this.proxyNetwork ||= other.proxyNetwork
    for (const request of other.unknownRequests) this.addUnknownRequest(request)
    this.incomplete ||= other.incomplete
  }

  /** A copy that may be changed without changing this one; secrets are left out where only sources are wanted. */
  clone(): Capture {
    const copy = new Capture()
    copy.merge(this)
    return copy
  }

  /** Leaves out images by digest that are there by tag too, and sorts. */
  finish(): void {
    const tagged = new Set(this.images.filter(image => !isPinned(image.reference)).map(nameAndTag))
    this.images = this.images.filter(image => !isPinned(image.reference) || !tagged.has(nameAndTag(image)))
    this.images.sort((a, b) => compare(a.reference, b.reference))
    this.blobs.sort((a, b) => compare(a.reference, b.reference))
    this.git.sort((a, b) => compare(a.url, b.url))
    this.http.sort((a, b) => compare(a.url, b.url))
    this.locals.sort(compare)
    this.secrets.sort((a, b) => compare(a.id, b.id))
    this.ssh.sort((a, b) => compare(a.id, b.id))
    const key = (request: UnknownRequest): string => unknownFields.map(field => request[field]).join('\0')
    this.unknownRequests.sort((a, b) => compare(key(a), key(b)))
  }
}

const unknownFields = ['op', 'name', 'method', 'uri', 'reason'] as const

const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

function addNamed(list: NamedSecret[], one: NamedSecret): void {
  const at = list.findIndex(known => known.id === one.id)
  if (at < 0) list.push(one)
  else if (!one.optional) list[at] = one
}

function sameImage(a: ImageOrigin, b: ImageOrigin): boolean {
  if (a.reference !== b.reference || a.local !== b.local) return false
  const [p, q] = [a.platform, b.platform]
  if (p === undefined || q === undefined) return p === q
  return (
    p.os === q.os &&
    p.architecture === q.architecture &&
    (p.variant ?? '') === (q.variant ?? '') &&
    (p['os.version'] ?? '') === (q['os.version'] ?? '')
  )
}

const isPinned = (name: string): boolean => parseReference(name).digest !== undefined

function nameAndTag(image: ImageOrigin): string {
  const reference = parseReference(image.reference)
  return `${repositoryName(reference)}:${reference.tag ?? 'latest'}`
}
