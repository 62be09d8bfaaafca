import { execState } from '../../src/llb/exec.ts'
import { file } from '../../src/llb/file.ts'
import { marshal } from '../../src/llb/marshal.ts'
import { image, local } from '../../src/llb/source.ts'
import { type State, withEnv, withImageConfig } from '../../src/llb/state.ts'
import { dockerImageJson } from '../../src/oci/image-config-json.ts'
import type { ImageConfig } from '../../src/oci/image-config.ts'
import type { Platform } from '../../src/oci/platform.ts'
import { goJson } from '../../src/gostd/json.ts'
import type { Gateway } from './gateway.ts'
import { atLine, type Recipe, type Step } from './recipe.ts'

/** A recipe for one platform: its tree, and how a container of it starts. */
export interface Built {
  readonly ref: string
  /** JSON of the image's configuration. */
  readonly config: Uint8Array
}

/** Turns the steps into a graph, and lets the builder solve it. */
export async function buildRecipe(recipe: Recipe, platform: Platform, gateway: Gateway): Promise<Built> {
  const [base, ...steps] = recipe.steps as [Step, ...Step[]]
  const found = await gateway.image(base.words, platform)
  let state = withImageConfig(
    image(found.name, { platform, name: `[recipe] base ${base.words}` }),
    found.config,
  )
  let { config } = found
  for (const step of steps) {
    state = change(state, step, recipe)
    config = { ...config, config: changeConfig(config.config, step) }
  }
  const definition = marshal(state.output, { platform, localUniqueId: gateway.buildId })
  const ref = await gateway.solve(definition)
  return { ref, config: Buffer.from(goJson(dockerImageJson(config))) }
}

/** The tree, or what further steps inherit, after a step. */
function change(state: State, step: Step, recipe: Recipe): State {
  const { verb, words, line } = step
  const name = `[recipe] ${verb} ${words}`
  const [first = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(words)?.slice(1) ?? []
  switch (verb) {
    case 'env': {
      const [variable, value] = assignment(step, recipe)
      return withEnv(state, variable, value)
    }
    case 'run':
      return execState(state, { args: ['/bin/sh', '-c', words], name })
    case 'add': {
      if (rest === '') throw atLine(recipe.filename, recipe.data, line, 'add needs a file and a place for it')
      const from = local('context', {
        follow: [first],
        sharedKeyHint: 'context',
        name: '[recipe] load context',
      })
      const copy = { kind: 'copy' as const, from: from.output, source: `/${first}`, destination: rest }
      return file(state, [{ ...copy, createDestination: true }], { name })
    }
    case 'write': {
      const data = Buffer.from(`${rest}\n`)
      return file(state, [{ kind: 'mkfile', path: first, mode: 0o644, data }], { name })
    }
    case 'base':
    case 'cmd':
      return state
  }
}

function changeConfig(config: ImageConfig['config'], { verb, words }: Step): ImageConfig['config'] {
  if (verb === 'cmd') return { ...config, Cmd: ['/bin/sh', '-c', words] }
  return verb === 'env' ? { ...config, Env: [...(config.Env ?? []), words] } : config
}

function assignment({ words, line }: Step, { filename, data }: Recipe): [string, string] {
  const at = words.indexOf('=')
  if (at < 1) throw atLine(filename, data, line, 'env needs name=value')
  return [words.slice(0, at), words.slice(at + 1)]
}
