import { executeTemplate } from '../../gostd/template/execute.ts'
import { dockerFunctions } from '../../gostd/template/docker-functions.ts'
import { parseTemplate } from '../../gostd/template/parse.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { maxArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { inspectFields, inspectJson } from '../history/inspect-json.ts'
import { inspectRecord } from '../history/inspect-record.ts'
import { inspectText } from '../history/inspect-text.ts'
import { oneRecord, openHistory } from '../history/query-records.ts'

/** `history inspect`: one build in full. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [REF]',
  args: maxArgs(1),
  flags: set => {
    const flags = { format: set.string('format', { usage: 'Format the output', initial: 'pretty' }) }
    return () => flagValues(flags)
  },
  async run(context) {
    const { host, flags, args, signal, path } = context
    const [ref = ''] = args
    await using history = await openHistory(context)
    const found = await oneRecord(history, { ref }, signal)
    const build = await inspectRecord(found, host.cwd, signal)
    if (flags.format === 'json') {
      host.stdout.write(inspectJson(build))
      return
    }
    if (flags.format !== 'pretty') {
      const template = parseTemplate(flags.format, Object.keys(dockerFunctions))
      host.stdout.write(`${executeTemplate(template, inspectFields(build), dockerFunctions)}\n`)
      return
    }
    const program = path.slice(0, path.lastIndexOf(' '))
    const id = `${found.builder}/${found.node.name}/${found.record.Ref}`
    host.stdout.write(inspectText(build, { withRef: ref === '' }))
    host.stdout.write(`Print build logs: ${program} logs ${found.record.Ref}\n`)
    host.stdout.write(`View build in Docker Desktop: docker-desktop://dashboard/build/${id}\n`)
  },
})
