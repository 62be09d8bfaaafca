import { replayStatus } from '../../buildkit/client/history.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { maxWords } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { oneRecord, openHistory } from '../history/query-records.ts'
import { openProgress } from '../open-progress.ts'

/** `history logs`: what a build said, once more. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [REF]',
  args: maxWords(1),
  flags: set => {
    const usage = 'Set type of progress output (plain, rawjson, tty)'
    const flags = { progress: set.string('progress', { usage, initial: 'plain' }) }
    return () => flagValues(flags)
  },
  async run(context) {
    const { host, flags, args, signal } = context
    await using history = await openHistory(context)
    const { connection, record } = await oneRecord(history, { ref: args[0] ?? '' }, signal)
    const mode = flags.progress === 'auto' ? 'plain' : flags.progress
    await using progress = await openProgress(host, { progress: mode, replay: true })
    for await (const status of replayStatus(connection, record.Ref, signal)) progress.write(status)
  },
})
