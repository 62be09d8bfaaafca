import { notBuildkit } from '../drivers/not-buildkit.ts'
import { abortable, abortError } from '../async/abort.ts'
import type { Builder, BuilderNode } from '../builder/builder.ts'
import { listWorkers } from '../buildkit/client/daemon.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { BuildkitConnection } from '../session/connection.ts'

/**
 * Asks every node of a builder, at the same time; nothing is started. Where a node cannot be reached, or not before `limit`
 * aborts, that is thrown, with what starts it as the hint.
 */
export async function onNodes<T>(
  builder: Builder,
  limit: AbortSignal,
  ask: (connection: BuildkitConnection) => Promise<T>,
): Promise<readonly T[]> {
  const failed = builder.error ?? builder.nodes.find(node => node.error !== undefined)?.error
  if (failed !== undefined) throw failed
  const connections = await Promise.all(builder.nodes.map(node => reach(node, builder.name, limit)))
  await using stack = new AsyncDisposableStack()
  for (const connection of connections) stack.use(connection)
  return await Promise.all(connections.map(ask))
}

async function reach(node: BuilderNode, builder: string, limit: AbortSignal): Promise<BuildkitConnection> {
  const { driver } = node
  if (driver === undefined) throw new SlipwayError('not-found', 'no drivers found')
  try {
    await using stack = new AsyncDisposableStack()
    const connection = stack.use(await abortable(driver.dial(limit), limit))
    // What accepts connections but does not answer must not be waited for without end.
    await listWorkers(connection, limit).catch((error: unknown) => {
      throw notBuildkit(node.endpoint || node.name, error)
    })
    stack.move()
    return connection
  } catch (error) {
    if (limit.aborted) throw abortedAt(node, limit, error)
    const failure = asSlipwayError(error)
    const isHere = driver.name === 'embedded'
    const hint =
      failure.hint ??
      (isHere ? undefined : `start it with \`inspect --bootstrap ${builder}\` if it does not run`)
    throw new SlipwayError(failure.code, failure.message, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

function abortedAt(node: BuilderNode, limit: AbortSignal, cause: unknown): SlipwayError {
  const aborted = abortError(limit)
  if (aborted.code !== 'deadline-exceeded') return aborted
  const where = node.endpoint === '' ? node.name : node.endpoint
  return new SlipwayError('deadline-exceeded', `${where} does not answer: context deadline exceeded`, {
    cause,
    hint: 'check that a BuildKit daemon runs there, or give it more time with --timeout',
  })
}
