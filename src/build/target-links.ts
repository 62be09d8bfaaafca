import { create } from '@bufbuild/protobuf'
import { abortable } from '../async/abort.ts'
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
 * Targets that use each other as contexts and are built at the same time, on one node. What a frontend answers is given to
 * the builds that use it as a definition; all of them stay open until every one of them was evaluated, as the definitions
 * name their sessions. Source: https://github.com/docker/buildx/blob/v0.36.1/build/build.go, `linkedTargetState`.
 */
export class TargetLinks {
  readonly #parents = new Map<string, readonly string[]>()
  readonly #children = new Map<string, readonly string[]>()
  readonly #results = new Milestones<Result>()
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

  /** The links of one target. */
  of(name: string): BuildLinks {
    return {
      inputs: async (attributes, signal) => {
        const attrs: Record<string, string> = { ...attributes }
        const inputs: Record<string, Definition> = {}
        for (const [key, value] of Object.entries(attributes)) {
          if (!key.startsWith('context:') || !value.startsWith(prefix)) continue
          const other = value.slice(prefix.length)
          addInput(key, other, await this.#results.reached(other, signal), attrs, inputs)
        }
        return { frontendAttrs: attrs, frontendInputs: inputs }
      },
      built: async (result, evaluate, signal) => {
        const [parents, children] = [this.#parents.get(name) ?? [], this.#childrenOf(name)]
        this.#results.reach(name, result)
        if (parents.length + children.length === 0) return
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
