import { create } from '@bufbuild/protobuf'
import { abortable } from '../async/abort.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Result } from '../proto/gen/gateway_pb.ts'
import { type Definition, DefinitionSchema } from '../proto/gen/ops_pb.ts'

/** What a build that is linked with others waits for, and when. */
export interface BuildLinks {
  /** Waits for the targets that are contexts of this build; their results take the place of the attributes `target:…`. */
  inputs(attributes: Readonly<Record<string, string>>, signal: AbortSignal): Promise<LinkedInputs>
  /** Takes what the frontend answered, before it is exported; settles when no other build needs this one any more. */
  built(result: Result, evaluate: () => Promise<void>, signal: AbortSignal): Promise<void>
}

/** Results of other builds as the frontend gets them. */
export interface LinkedInputs {
  readonly frontendAttrs: Readonly<Record<string, string>>
  readonly frontendInputs: Readonly<Record<string, Definition>>
}

const prefix = 'target:'

/**
 * Targets that use each other as contexts and are built at the same time. What a frontend answers is given to
 * the builds that use it as a definition; all of them stay open until every one of them was evaluated, as the definitions
 * name their sessions. Source: https://github.com/docker/buildx/blob/v0.36.1/build/build.go, `linkedTargetState`.
 */
export class TargetLinks {
  readonly #parents = new Map<string, readonly string[]>()
  readonly #children = new Map<string, readonly string[]>()
  readonly #results = new Milestones<{ readonly result: Result; readonly node: string }>()
  readonly #evaluated = new Milestones<void>()
  readonly #completed = new Milestones<void>()

  /** `contexts`: values of the named contexts of every target. */
  constructor(contexts: ReadonlyMap<string, Iterable<string>>) {
    for (const [name, values] of contexts) {
      const used = [...values].filter(v => v.startsWith(prefix)).map(v => v.slice(prefix.length))
      const parents = [...new Set(used)]
      this.#parents.set(name, parents)
      for (const parent of parents) this.#children.set(parent, [...this.#childrenOf(parent), name])
    }
  }

  /** The links of one target, which is built on `node`. */
  of(name: string, node: string): BuildLinks {
    return {
      inputs: async (attributes, signal) => {
        const attrs: Record<string, string> = { ...attributes }
        const inputs: Record<string, Definition> = {}
        for (const [key, value] of Object.entries(attributes)) {
          if (!key.startsWith('context:') || !value.startsWith(prefix)) continue
          const other = value.slice(prefix.length)
          const found = await this.#results.reached(other, signal)
          if (found.node !== node) throw elsewhere(name, key, other)
          addInput(key, other, found.result, attrs, inputs)
        }
        return { frontendAttrs: attrs, frontendInputs: inputs }
      },
      built: async (result, evaluate, signal) => {
        const [parents, children] = [this.#parents.get(name) ?? [], this.#childrenOf(name)]
        this.#results.reach(name, { result, node })
        if (!this.isLinked(name)) return
        // External caches are looked up by a frontend's solve: all dependents have done so before evaluation begins.
        for (const child of children) await this.#results.reached(child, signal)
        // A target's own session is at work before one that depends on it evaluates the same steps.
        for (const parent of parents) await this.#evaluated.reached(parent, signal)
        await evaluate()
        this.#evaluated.reach(name)
        for (const child of children) await this.#completed.reached(child, signal)
        this.#completed.reach(name)
      },
    }
  }

  /** Whether a target uses others or is used by them. */
  isLinked(name: string): boolean {
    return this.#childrenOf(name).length + (this.#parents.get(name) ?? []).length > 0
  }

  #childrenOf(name: string): readonly string[] {
    return this.#children.get(name) ?? []
  }
}

/** Moments that are waited for by name, with a value each. */
class Milestones<T> {
  readonly #moments = new Map<string, PromiseWithResolvers<T>>()

  reach(name: string, value: T): void {
    this.#of(name).resolve(value)
  }

  async reached(name: string, signal: AbortSignal): Promise<T> {
    return await abortable(this.#of(name).promise, signal)
  }

  #of(name: string): PromiseWithResolvers<T> {
    const known = this.#moments.get(name)
    if (known !== undefined) return known
    const moment = Promise.withResolvers<T>()
    this.#moments.set(name, moment)
    return moment
  }
}

function elsewhere(name: string, key: string, other: string): SlipwayError {
  const context = key.slice('context:'.length)
  return new SlipwayError(
    'failed-precondition',
    `failed to use ${other} as context ${context} for ${name} because targets build with different drivers`,
    { hint: 'build both for the same platforms, or on a builder with one node' },
  )
}

const configKey = 'containerimage.config'

function addInput(
  key: string,
  name: string,
  result: Result,
  attrs: Record<string, string>,
  inputs: Record<string, Definition>,
): void {
  const add = (suffix: string, definition: Definition | undefined, config: Uint8Array | undefined): void => {
    inputs[name + suffix] = definition ?? create(DefinitionSchema)
    attrs[key + suffix] = `input:${name}${suffix}`
    if (config === undefined) return
    attrs[`input-metadata:${name}${suffix}`] = JSON.stringify({
      [configKey]: Buffer.from(config).toString('base64'),
    })
  }
  const { result: found, metadata } = result
  if (found.case === 'refs') {
    delete attrs[key]
    for (const [platform, ref] of Object.entries(found.value.refs))
      add(`::${platform}`, ref.def, metadata[`${configKey}/${platform}`])
  } else if (found.case === 'ref') add('', found.value.def, metadata[configKey])
}
