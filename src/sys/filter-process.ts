import { pipeline, Readable } from 'node:stream'
import { abortError } from '../async/abort.ts'
import type { ByteStream } from '../bytes/byte-stream.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { spawn } from './spawn.ts'

/**
 * What an installed program makes of `source`. Ends with the program; leaving early ends the program. Throws
 * `failed-precondition` where it is not installed, `data-loss` with the first line of its last words where it fails.
 */
export async function* filterThrough(
  command: string,
  args: readonly string[],
  source: ByteStream,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stop = new AbortController()
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const { child, exit } = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], signal: either })
  let words = ''
  let sourceError: unknown
  const { stdin, stdout, stderr } = child
  if (stdin === null || stdout === null || stderr === null)
    throw new SlipwayError('internal', 'spawned without pipes')
  stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-4096)
  })
  pipeline(
    Readable.from(
      guard(source, e => (sourceError = e)),
      { objectMode: true, highWaterMark: 2 },
    ),
    stdin,
    () => {},
  )
  exit.catch(() => stdout.destroy())
  try {
    for await (const chunk of stdout) yield chunk as Uint8Array
    if (sourceError !== undefined) throw sourceError
    const code = await exit
    if (signal?.aborted) throw abortError(signal)
    if (code !== 0) {
      const [first = ''] = words.trim().split('\n')
      const why = first.startsWith(`${command}: `) ? first.slice(command.length + 2) : first
      throw new SlipwayError('data-loss', `${command}: ${why || `exit status ${code}`}`)
    }
  } catch (error) {
    if (sourceError !== undefined) throw sourceError
    await Promise.race([exit, Promise.resolve()])
    throw error
  } finally {
    stop.abort()
    stdin.destroy()
    await exit.catch(() => {})
  }
}

async function* guard(
  source: ByteStream,
  failed: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* source
  } catch (error) {
    failed(error)
    throw error
  }
}
