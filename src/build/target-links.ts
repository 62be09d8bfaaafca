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
  /** The nodes that each target is built on, once that is known. */
  readonly #nodes = new Milestones<ReadonlySet<string>>()
  readonly #parents = new Map<string, readonly string[]>()
  readonly #children = new Map<string, readonly string[]>()
  /** By target and node, as what follows. */
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

  /** Tells which nodes a target is built on; every target is to be told about before others can go on. */
  builtOn(name: string, nodes: readonly string[]): void {
    this.#nodes.reach(name, new Set(nodes))
  }

  /** The links of one target on one of its nodes: with others as far as they are built there. */
  of(name: string, node: string): BuildLinks {
    const here = (target: string): string => `${target} ${node}`
    return {
      inputs: async (attributes, signal) => {
        const attrs: Record<string, string> = { ...attributes }
        const inputs: Record<string, Definition> = {}
        for (const [key, value] of Object.entries(attributes)) {
          if (!key.startsWith('context:') || !value.startsWith(prefix)) continue
          const other = value.slice(prefix.length)
          const nodes = await this.#nodes.reached(other, signal)
          if (!nodes.has(node)) throw elsewhere(name, key, other)
          addInput(key, other, await this.#results.reached(here(other), signal), attrs, inputs)
        }
        return { frontendAttrs: attrs, frontendInputs: inputs }
      },
      built: async (result, evaluate, signal) => {
        const parents = await this.#onNode(this.#parents.get(name) ?? [], node, signal)
        this.#results.reach(here(name), result)
        if (!this.isLinked(name)) return
        const children = await this.#onNode(this.#childrenOf(name), node, signal)
        // External caches are looked up by a frontend's solve: all dependents have done so before evaluation begins.
        for (const child of children) await this.#results.reached(here(child), signal)
        // A target's own session is at work before one that depends on it evaluates the same steps.
        for (const parent of parents) await this.#evaluated.reached(here(parent), signal)
        await evaluate()
        this.#evaluated.reach(here(name))
        for (const child of children) await this.#completed.reached(here(child), signal)
        this.#completed.reach(here(name))
      },
    }
  }

  /** Those of the targets that are built on the node. */
  async #onNode(names: readonly string[], node: string, signal: AbortSignal): Promise<readonly string[]> {
    const found: string[] = []
    for (const name of names) if ((await this.#nodes.reached(name, signal)).has(node)) found.push(name)
    return found
  }

  /** Whether a target uses others or is used by them. */
  isLinked(name: string): boolean {
    return this.#childrenOf(name).length + (this.#parents.get(name) ?? []).length > 0
  }

  #childrenOf(name: string): readonly string[] {
    return this.#children.get(name) ?? []
  }
}

/** Links of a build whose contexts are graphs (`context` is the build's own), beside other links that it may have. */
export function withTrees(trees: Readonly<Record<string, Definition>>, links?: BuildLinks): BuildLinks {
  return {
    async inputs(attributes, signal) {
      const linked = await links?.inputs(attributes, signal)
      const frontendAttrs: Record<string, string> = { ...(linked?.frontendAttrs ?? attributes) }
      const frontendInputs: Record<string, Definition> = { ...linked?.frontendInputs }
      for (const [name, tree] of Object.entries(trees)) {
        frontendInputs[name] = tree
        if (name === 'context') {
          delete frontendAttrs['context']
          frontendInputs['dockerfile'] = tree
        } else frontendAttrs[`context:${name}`] = `input:${name}`
      }
      return { frontendAttrs, frontendInputs }
    },
    async built(result, evaluate, signal) {
      await links?.built(result, evaluate, signal)
    },
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
    { hint: `${other} has to be built for every platform that ${name} is built for` },
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
  // The other one was asked a question, too: there is nothing to build on, and the frontend says so.
  if ('result.txt' in metadata || 'result.json' in metadata) return
  if (found.case === 'refs') {
    delete attrs[key]
    for (const [platform, ref] of Object.entries(found.value.refs))
      add(`::${platform}`, ref.def, metadata[`${configKey}/${platform}`])
  } else if (found.case === 'ref') add('', found.value.def, metadata[configKey])
}
