import type { SolveStatus, VertexWarning } from '../status/solve-status.ts'
import { asSlipwayError } from '../errors/slipway-error.ts'
import { digestOf } from '../oci/digest.ts'
import { type VertexProgress, VertexReporter } from '../solver/vertex-progress.ts'

/** Shows work that is no vertex of the graph (a lookup, an export) as a step of its own. */
export async function clientStep<T>(
  step: { readonly id: string; readonly name: string },
  write: (status: SolveStatus) => void,
  work: (progress: VertexProgress) => Promise<T>,
): Promise<T> {
  const reporter = new VertexReporter({
    digest: digestOf(step.id),
    name: step.name,
    inputs: [],
    ignoreCache: false,
    body: undefined,
  })
  const end = reporter.start()
  reporter.addListener(write)
  try {
    const value = await work(reporter)
    end()
    return value
  } catch (e) {
    end(asSlipwayError(e).message)
    throw e
  }
}

/** Progress that nobody sees. */
export const noProgress: VertexProgress = {
  resume: () => () => undefined,
  log: () => undefined,
  status: () => undefined,
  step: (_id, work) => work(),
  warn: (_warning: Omit<VertexWarning, 'vertex'>) => undefined,
}
