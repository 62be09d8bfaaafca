import { create } from '@bufbuild/protobuf'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { SolveRequestSchema } from '../../proto/gen/gateway_pb.ts'
import type { Definition } from '../../proto/gen/ops_pb.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import { type Bridge, type BridgeOptions, driveBridge } from './drive-build.ts'

/** A tree of files that a node has made. */
export interface RemoteTree {
  /** Size of a file in bytes. Throws what the node says, where there is none too. */
  size(path: string): Promise<number>
  /** The first `length` bytes of a file, all of it when absent. Throws what the node says. */
  read(path: string, length?: number): Promise<Uint8Array>
}

/**
 * Lets a node make trees, and reads files of them, in a build of its own that exports nothing. Throws `failed to solve`
 * errors as the node words them.
 */
export async function readTrees<T>(
  node: BuildkitConnection,
  options: BridgeOptions,
  read: (solve: (definition: Definition) => Promise<RemoteTree>) => Promise<T>,
): Promise<T> {
  const answers: T[] = []
  await driveBridge(node, options, async bridge => {
    answers.push(await read(definition => solve(bridge, definition)))
    return undefined
  })
  return answers[0] as T
}

async function solve({ client, call }: Bridge, definition: Definition): Promise<RemoteTree> {
  const request = create(SolveRequestSchema, {
    Definition: definition,
    allowResultReturn: true,
    allowResultArrayRef: true,
  })
  const { result } = await client.solve(request, call)
  const found = result?.result
  if (found?.case !== 'ref') throw new SlipwayError('internal', 'a definition without a single result')
  const Ref = found.value.id
  return {
    async size(path) {
      const { stat } = await client.statFile({ Ref, Path: path }, call)
      return Number(stat?.size ?? 0n)
    },
    async read(path, length) {
      const range = length === undefined ? {} : { Range: { Offset: 0n, Length: BigInt(length) } }
      return (await client.readFile({ Ref, FilePath: path, ...range }, call)).Data
    },
  }
}
