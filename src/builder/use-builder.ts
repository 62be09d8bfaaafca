import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { type BuilderHost, openPlaces } from './builder-host.ts'
import { checkBuilderName, isBuilderName } from './builder-name.ts'
import { openStore } from './builder-store.ts'
import { embeddedName } from './load-builder.ts'

/** How long a choice holds. */
export interface UseOptions {
  /** Also for other docker endpoints. */
  readonly global: boolean
  /** Whenever this docker endpoint is in use. */
  readonly isDefault: boolean
  readonly signal: AbortSignal
}

/**
 * Chooses the builder of an unnamed build for the present docker endpoint. Throws `not-found`, `invalid-argument` in
 * buildx's words. Source: https://github.com/docker/buildx/blob/v0.36.1/commands/use.go
 */
export async function useBuilder(host: BuilderHost, name: string, options: UseOptions): Promise<void> {
  const { dir, contexts } = openPlaces(host)
  using store = await openStore(dir, options.signal)
  const { current, currentEndpoint } = contexts
  if (isBuilderName(name) && store.get(name) !== undefined) {
    store.setCurrent(currentEndpoint, name, options)
    return
  }
  if (name === 'default' && current !== 'default') {
    throw invalid('run `docker context use default` to switch to default context')
  }
  if (name === current) {
    store.setCurrent(currentEndpoint, '', { global: false, isDefault: false })
    return
  }
  if (contexts.names.includes(name)) {
    throw invalid(`run \`docker context use ${name}\` to switch to context ${name}`)
  }
  if (name === embeddedName) {
    store.setCurrent(currentEndpoint, name, options)
    return
  }
  const path = `${dir.path}/instances/${checked(name)}`
  throw new SlipwayError(
    'not-found',
    `failed to find instance ${JSON.stringify(name)}: open ${path}: no such file or directory`,
    { hint: 'see `slipway ls` for the builders there are' },
  )
}

function checked(name: string): string {
  try {
    return checkBuilderName(name)
  } catch (error) {
    throw wrapError(`failed to find instance ${JSON.stringify(name)}`, error)
  }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
