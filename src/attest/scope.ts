import type { Platform } from '../oci/descriptor.ts'
import type { Definition } from '../proto/gen/ops_pb.ts'
import { Capture } from './capture.ts'
import {
  type FrontendRequest,
  type GitForm,
  recordRequest,
  type RequestRecord,
  sameRequest,
} from './request.ts'
import type { RequestStore } from './request-store.ts'
import type { ImageOrigin, Sources } from './sources.ts'

/** A tree of a build, as far as provenance cares. */
export interface CapturedRef {
  readonly id: string
  readonly definition: Definition
  /** What went into it; undefined as long as it was not made. */
  readonly captured: Capture | undefined
}

/** A request with the graphs it was given. */
export interface ScopeRequest extends FrontendRequest {
  readonly inputs: Readonly<Record<string, Definition>>
}

/** A platform of a result with its key. */
export interface ResultPlatform {
  readonly id: string
  readonly platform: Platform
}

/** What provenance is made of, for one tree of a result. */
export interface RefProvenance {
  readonly capture: Capture
  readonly request?: RequestRecord
}

/** What scopes of one build share. */
export interface ScopeServices {
  readonly store: RequestStore
  readonly gitForm: GitForm
}

const saysSomething = (request: ScopeRequest | undefined): request is ScopeRequest =>
  request !== undefined &&
  (request.frontend !== '' || Object.keys(request.options).length + Object.keys(request.inputs).length > 0)

const emptySources: Sources = { images: [], blobs: [], git: [], http: [], locals: [] }

/**
 * What one frontend asked for while it ran, and what frontends that it called asked for: all of that is provenance of
 * its result, also trees that it only looked into. Behaviour:
 * https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/provenance.go
 */
export class ProvenanceScope implements Disposable {
  readonly #services: ScopeServices
  readonly #request: ScopeRequest | undefined
  readonly #root: ScopeRequest | undefined
  readonly #refs: CapturedRef[] = []
  readonly #children: ProvenanceScope[] = []
  readonly #images: ImageOrigin[] = []
  readonly #registered: Disposable[] = []

  /** `request`: what the frontend of this scope was asked, absent for the client itself; `root`: what the client asked. */
  constructor(services: ScopeServices, root: ScopeRequest | undefined, request?: ScopeRequest) {
    this.#services = services
    this.#root = root
    this.#request = request
  }

  /** The scope of a frontend that this one calls. */
  child(request: ScopeRequest): ProvenanceScope {
    const root = saysSomething(this.#root) ? this.#root : this.#request
    const scope = new ProvenanceScope(this.#services, root, request)
    this.#children.push(scope)
    return scope
  }

  /** An image whose configuration was asked for: it may have decided what was built. */
  addImage(image: ImageOrigin): void {
    this.#images.push(image)
  }

  addRef(ref: CapturedRef): void {
    this.#refs.push(ref)
  }

  /** Remembers which request made the trees of a result, for requests that get them as inputs. */
  register(refs: Iterable<CapturedRef>): void {
    for (const ref of refs) {
      const scope = this.#find(ref.id)
      const request = scope === undefined ? undefined : scope.#requestRecord(ref.captured ?? emptySources)
      if (request !== undefined) this.#registered.push(this.#services.store.register(ref.definition, request))
    }
  }

  /** Provenance of a tree of the result; undefined where nothing is known of it. `result`: all trees of the result. */
  provenance(
    ref: CapturedRef,
    result: {
      readonly refs: readonly CapturedRef[]
      readonly platforms: readonly ResultPlatform[]
      readonly id?: string
    },
  ): RefProvenance | undefined {
    const scope = this.#find(ref.id)
    if (scope === undefined || ref.captured === undefined) return undefined
    const own = ref.captured
    const capture = own.clone()
    const visited = new Set([ref.id, ...result.refs.map(one => one.id)])
    for (const other of scope.#allRefs()) {
      if (visited.has(other.id)) continue
      visited.add(other.id)
      if (other.captured) capture.merge(other.captured)
    }
    for (const image of ofPlatform(scope.#allImages(), result)) capture.addImage(image)
    capture.finish()
    const request = scope.#requestRecord(own, capture)
    return { capture, ...(request === undefined ? {} : { request }) }
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child[Symbol.dispose]()
    for (const one of this.#registered.splice(0)) one[Symbol.dispose]()
  }

  /** The innermost scope that made a tree. */
  #find(id: string): ProvenanceScope | undefined {
    for (const child of this.#children) {
      const found = child.#find(id)
      if (found) return found
    }
    return this.#refs.some(ref => ref.id === id) ? this : undefined
  }

  *#allRefs(): Generator<CapturedRef> {
    yield* this.#refs
    for (const child of this.#children) yield* child.#allRefs()
  }

  #allImages(): ImageOrigin[] {
    return [...this.#images, ...this.#children.flatMap(child => child.#allImages())]
  }

  #requestRecord(own: Sources, all: Sources = own): RequestRecord | undefined {
    if (this.#request === undefined) return undefined
    const inputs = this.#inputRecords(this.#request)
    const record = (sources: Sources): RequestRecord => ({
      ...recordRequest(this.#request as ScopeRequest, sources, this.#services.gitForm),
      ...(inputs === undefined ? {} : { inputs }),
    })
    const root = this.#rootRecord(own)
    const wantsRoot = root !== undefined && !sameRequest(root, record(own))
    return { ...record(all), ...(wantsRoot ? { root } : {}) }
  }

  #rootRecord(sources: Sources): RequestRecord | undefined {
    const root = this.#root
    if (!saysSomething(root)) return undefined
    const record = recordRequest(root, sources, this.#services.gitForm)
    const inputs = this.#inputRecords(root)
    if (record.frontend === '' && Object.keys(record.args).length === 0 && inputs === undefined)
      return undefined
    return { ...record, ...(inputs === undefined ? {} : { inputs }) }
  }

  #inputRecords(request: ScopeRequest): Record<string, RequestRecord> | undefined {
    const found = Object.entries(request.inputs).flatMap(([name, definition]) => {
      const record = this.#services.store.lookUp(definition)
      return record === undefined ? [] : [[name, record] as const]
    })
    return found.length === 0 ? undefined : Object.fromEntries(found)
  }
}

/** Of an image that was asked for once for every platform of the result, only the one of this platform. */
function ofPlatform(
  images: readonly ImageOrigin[],
  { platforms, id }: { readonly platforms: readonly ResultPlatform[]; readonly id?: string },
): readonly ImageOrigin[] {
  const current = platforms.find(one => one.id === id)?.platform
  if (id === undefined || current === undefined) return images
  const same = (a: Platform, b: Platform | undefined): boolean =>
    a.os === b?.os && a.architecture === b.architecture
  const everywhere = (name: string): boolean =>
    platforms.every(({ platform }) =>
      images.some(image => image.reference === name && same(platform, image.platform)),
    )
  return images.filter(
    image => image.platform === undefined || !everywhere(image.reference) || same(current, image.platform),
  )
}
