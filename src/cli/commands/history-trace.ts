import { createServer } from 'node:http'
import { finalizeHistory, readHistoryBlob } from '../../buildkit/client/history.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { maxWords } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { buildName } from '../history/build-name.ts'
import { type JaegerTrace, jaegerTrace } from '../history/jaeger-trace.ts'
import { openUrl } from '../history/open-url.ts'
import { type HistoryNodes, oneRecord, openHistory } from '../history/query-records.ts'
import { type PageTrace, tracePage } from '../history/trace-page.ts'

interface LoadedTrace extends JaegerTrace {
  readonly title: string
}

/** `history trace`: how long the steps of a build took; in Jaeger's form where no terminal shows it. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [REF]',
  args: maxWords(1),
  flags: set => {
    const flags = {
      addr: set.string('addr', { usage: 'Address to bind the UI server', initial: '127.0.0.1:0' }),
      compare: set.string('compare', { usage: 'Compare with another build record' }),
    }
    return () => flagValues(flags)
  },
  async run(context) {
    const { host, flags, args, signal } = context
    const traces: LoadedTrace[] = []
    {
      await using history = await openHistory(context)
      traces.push(await loadTrace(history, args[0] ?? '', signal))
      if (flags.compare !== '') {
        traces.push(
          await loadTrace(history, flags.compare, signal).catch((e: unknown) => {
            throw wrapError(`failed to load trace for ${flags.compare}`, e)
          }),
        )
      }
    }
    const data = `${goJson({ data: traces.map(trace => trace.json) }, { indent: '  ' })}\n`
    if (!host.stdout.isTTY && flags.compare === '') {
      host.stdout.write(`${data}\n`)
      return
    }
    const page = tracePage(
      traces.map(({ title, json }) => ({
        title,
        spans: (json as unknown as { spans: PageTrace['spans'] }).spans,
      })),
    )
    await serve(flags.addr, page, data, signal, url => {
      host.stderr.write(`Trace available at ${url}\n`)
      // Without a desktop the address is all there is to give.
      openUrl(url).catch(() => undefined)
    })
  },
})

async function loadTrace(history: HistoryNodes, ref: string, signal: AbortSignal): Promise<LoadedTrace> {
  let found = await oneRecord(history, { ref, completedOnly: true }, signal)
  if (found.record.trace === undefined) {
    await finalizeHistory(found.connection, found.record.Ref, signal)
    found = await oneRecord(history, { ref: found.record.Ref, completedOnly: true }, signal)
  }
  const { record, connection, state } = found
  if (record.trace === undefined) {
    throw new SlipwayError('not-found', `build record ${JSON.stringify(record.Ref)} is missing a trace`)
  }
  const text = Buffer.from(await readHistoryBlob(connection, record.trace, signal)).toString('utf8')
  const trace = jaegerTrace(text)
  if (trace === undefined) throw new SlipwayError('not-found', 'no trace data')
  return { ...trace, title: `${buildName(record.FrontendAttrs, state)} ${record.Ref}` }
}

/** Shows the page until the user has seen enough. */
async function serve(
  address: string,
  page: string,
  data: JsonValue & string,
  signal: AbortSignal,
  ready: (url: string) => void,
): Promise<void> {
  const at = address.lastIndexOf(':')
  const [name, port] = [address.slice(0, at).replace(/^\[|\]$/g, ''), Number(address.slice(at + 1))]
  if (at < 0 || !Number.isInteger(port))
    throw new SlipwayError('invalid-argument', `invalid address ${address}`)
  const server = createServer((request, response) => {
    const json = request.url?.startsWith('/api/') === true
    response.setHeader('content-type', json ? 'application/json' : 'text/html; charset=utf-8')
    response.end(json ? data : page)
  })
  const closed = Promise.withResolvers<void>()
  server.on('error', closed.reject)
  server.on('close', closed.resolve)
  signal.addEventListener('abort', () => void server.close(), { once: true })
  signal.addEventListener('abort', () => server.closeAllConnections(), { once: true })
  server.listen(port, name === '' ? undefined : name, () => {
    const bound = server.address()
    ready(`http://${name === '' ? '127.0.0.1' : name}:${typeof bound === 'object' ? bound?.port : port}/`)
  })
  await closed.promise
}
