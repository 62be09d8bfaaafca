import { maxWords } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { desktopUrl } from '../history/desktop.ts'
import { openUrl } from '../history/open-url.ts'
import { oneRecord, openHistory } from '../history/query-records.ts'

/** `history open`: the page of Docker Desktop about a build. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [REF]',
  args: maxWords(1),
  flags: () => () => ({}),
  async run(context) {
    await using history = await openHistory(context)
    const { builder, node, record } = await oneRecord(history, { ref: context.args[0] ?? '' }, context.signal)
    await openUrl(desktopUrl(`${builder}/${node.name}/${record.Ref}`))
  },
})
