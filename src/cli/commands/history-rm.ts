import { openPlaces } from '../../builder/builder-host.ts'
import { removeBuildState } from '../../builder/local-state.ts'
import { deleteHistory, listHistory } from '../../buildkit/client/history.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { anyArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { type HistoryNodes, openHistory } from '../history/query-records.ts'

/** `history rm`: records removed, with what this machine noted of the builds. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [REF...]',
  args: anyArgs,
  flags: set => {
    const flags = { all: set.bool('all', { usage: 'Remove all build records' }) }
    return () => flagValues(flags)
  },
  async run(context) {
    const { flags, args, signal } = context
    if (args.length === 0 && !flags.all)
      throw new SlipwayError('invalid-argument', 'rm requires at least one argument')
    if (args.length > 0 && flags.all) {
      throw new SlipwayError('invalid-argument', 'rm requires either --all or at least one argument')
    }
    await using history = await openHistory(context)
    if (flags.all) {
      for (const { node, connection } of history.nodes) {
        const { records } = await listHistory(connection, {}, signal)
        for (const { Ref, CompletedAt } of records) {
          if (CompletedAt === undefined) continue
          await deleteHistory(connection, Ref, signal)
          forget(history, node.name, Ref)
        }
      }
      return
    }
    const failures: string[] = []
    for (const text of args)
      failures.push(...(await removeOne(history, text.slice(text.lastIndexOf('/') + 1), signal)))
    if (failures.length > 0) throw new SlipwayError('not-found', failures.join('\n'))
  },
})

/** Removes a record from the nodes that have it; answers why, where none has. */
async function removeOne(
  history: HistoryNodes,
  ref: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const failures: string[] = []
  for (const { node, connection } of history.nodes) {
    try {
      await deleteHistory(connection, ref, signal)
      forget(history, node.name, ref)
    } catch (e) {
      signal.throwIfAborted()
      failures.push(asSlipwayError(e).message)
    }
  }
  return failures.length === history.nodes.length ? failures : []
}

function forget({ builder, host }: HistoryNodes, node: string, ref: string): void {
  try {
    removeBuildState(openPlaces(host).dir, { builder, node, ref })
  } catch {
    // Nothing was noted of it.
  }
}
