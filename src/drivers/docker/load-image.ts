import type { Readable } from 'node:stream'
import { SlipwayError } from '../../errors/slipway-error.ts'
import type { StatusWriter } from '../../status/solve-status.ts'
import { type BootStep, bootStep } from '../boot-step.ts'
import type { DockerApi } from './docker-api.ts'

/** Whether the daemon takes OCI archives, and with them images of several platforms. */
export async function takesOciArchives(api: DockerApi, signal: AbortSignal): Promise<boolean> {
  const info = await api.json('/info', { signal })
  const status =
    typeof info === 'object' && info !== null && 'DriverStatus' in info ? info.DriverStatus : undefined
  if (!Array.isArray(status)) return false
  return status.some(
    (pair: unknown) =>
      Array.isArray(pair) && pair[0] === 'driver-type' && pair[1] === 'io.containerd.snapshotter.v1',
  )
}

/** Streams an archive into the daemon's image store, shown as `importing to docker`. Throws what the daemon says. */
export async function loadImage(
  api: DockerApi,
  archive: AsyncIterable<Uint8Array>,
  write: StatusWriter,
  signal: AbortSignal,
): Promise<void> {
  const answer = await api.call('/images/load', {
    method: 'POST',
    query: { quiet: '0' },
    headers: { 'content-type': 'application/x-tar' },
    body: archive,
    signal,
  })
  await bootStep(write, 'importing to docker', step => showMessages(answer.body, step))
}

/** A message of the stream with which docker reports pulls, pushes and loads. */
interface JsonMessage {
  readonly id?: string
  readonly status?: string
  readonly error?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
  readonly aux?: { readonly Digest?: string }
}

/** Reads docker's progress messages to their end. Throws the error that is among them. */
export async function readMessages(body: Readable, onMessage: (message: JsonMessage) => void): Promise<void> {
  let rest = ''
  let failure: string | undefined
  const take = (line: string): void => {
    if (line.trim() === '') return
    const message = parseMessage(line)
    if (message?.error !== undefined) failure = message.error
    else if (message !== undefined) onMessage(message)
  }
  for await (const chunk of body) {
    const lines = (rest + (chunk as Buffer).toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    lines.forEach(take)
  }
  take(rest)
  if (failure !== undefined) throw new SlipwayError('unknown', failure)
}

function parseMessage(line: string): JsonMessage | undefined {
  try {
    const value = JSON.parse(line) as unknown
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

async function showMessages(body: Readable, step: BootStep): Promise<void> {
  const rows = new Map<string, { readonly started: number; current: number; total: number }>()
  try {
    await readMessages(body, ({ id, status, progressDetail }) => {
      if (id === undefined || status !== 'Loading layer' || progressDetail === undefined) return
      const row = rows.get(id) ?? { started: Date.now(), current: 0, total: 0 }
      row.current = progressDetail.current ?? row.current
      row.total = progressDetail.total ?? row.total
      rows.set(id, row)
      step.row(`loading layer ${id}`, row.current, row.total, row.started)
    })
  } finally {
    for (const [id, row] of rows) {
      step.row(`loading layer ${id}`, row.total, row.total, row.started, Date.now())
    }
  }
}
