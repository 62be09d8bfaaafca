import { anySignal } from '../async/abort.ts'
import type { LoadTarget } from '../build/driver-outputs.ts'
import { openPlaces } from '../builder/builder-host.ts'
import type { BuilderHost } from '../builder/builder-host.ts'
import { dockerOf } from '../builder/load-builder.ts'
import { loadImage, takesOciArchives } from '../drivers/docker/load-image.ts'
import { pushImage } from '../drivers/docker/push-image.ts'
import type { StatusWriter } from '../status/solve-status.ts'

/** How long a daemon may take to show that it is there, ms. */
const pingLimit = 5000

/** The docker daemon that `--load` means: of the named context, or the one in use; undefined where none answers. */
export async function loadTarget(
  host: BuilderHost,
  context: string | undefined,
  write: StatusWriter,
  signal: AbortSignal,
): Promise<LoadTarget | undefined> {
  const places = openPlaces(host)
  try {
    const api = dockerOf(context ?? places.contexts.current, places)
    const limit = anySignal(signal, AbortSignal.timeout(pingLimit))
    const takesOci = await takesOciArchives(api, limit)
    return { takesOci, receive: (stream, inner) => loadImage(api, stream, write, inner) }
  } catch (error) {
    signal.throwIfAborted()
    if (context !== undefined) throw error
    return undefined
  }
}

/** Makes the docker daemon of an endpoint push images of its store; answers the digest of the first. */
export async function pushByDocker(
  host: BuilderHost,
  endpoint: string,
  names: readonly string[],
  write: StatusWriter,
  signal: AbortSignal,
): Promise<string | undefined> {
  const places = openPlaces(host)
  const api = dockerOf(endpoint, places)
  const surroundings = { contexts: places.contexts, env: host.docker.env }
  let first: string | undefined
  for (const name of names) {
    const digest = await pushImage(api, name, surroundings, write, signal)
    first ??= digest
  }
  return first
}
