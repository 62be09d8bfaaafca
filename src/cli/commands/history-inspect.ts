import { wrapError } from '../../errors/slipway-error.ts'
import { executeTemplate } from '../../gostd/template/execute.ts'
import { dockerFunctions } from '../../gostd/template/docker-functions.ts'
import { parseTemplate } from '../../gostd/template/parse.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { maxWords } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { inspectFields, inspectJson } from '../history/inspect-json.ts'
import { inspectRecord } from '../history/inspect-record.ts'
import { inspectText } from '../history/inspect-text.ts'
import { oneRecord, openHistory } from '../history/query-records.ts'

/** `history inspect`: one build in full. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [REF]',
  args: maxWords(1),
  flags: set => {
    const flags = { format: set.string('format', { usage: 'Format the output', initial: 'pretty' }) }
    return () => flagValues(flags)
  },
  async run(context) {
    const { host, flags, globals, args, signal, path } = context
    const [ref = ''] = args
    await using history = await openHistory(context)
    const found = await oneRecord(history, { ref }, signal)
    const build = await inspectRecord(found, host.cwd, signal)
    if (flags.format === 'json') {
      host.stdout.write(inspectJson(build))
      return
    }
    if (flags.format !== 'pretty') {
      host.stdout.write(`${rendered(flags.format, inspectFields(build))}\n`)
      return
    }
    // As buildx, which names docker's command also where it runs by itself.
    const program = path.slice(0, path.lastIndexOf(' ')).replace(/^docker-buildx /, 'docker buildx ')
    const id = `${found.builder}/${found.node.name}/${found.record.Ref}`
    host.stdout.write(inspectText(build, { withRef: ref === '', withStack: globals.debug }))
    host.stdout.write(`Print build logs: ${program} logs ${found.record.Ref}\n`)
    host.stdout.write(`View build in Docker Desktop: docker-desktop://dashboard/build/${id}\n`)
  },
})

/** The fields in the form of a template. Throws `invalid-argument` in buildx's words. */
function rendered(format: string, fields: object): string {
  const saying = <T>(context: string, work: () => T): T => {
    try {
      return work()
    } catch (e) {
      throw wrapError(context, e)
    }
  }
  const template = saying('failed to parse format template', () =>
    parseTemplate(format, Object.keys(dockerFunctions), 'inspect'),
  )
  const named = Object.defineProperty({ ...fields }, Symbol.toStringTag, { value: 'history.inspectOutput' })
  return saying('failed to execute format template', () => executeTemplate(template, named, dockerFunctions))
}
