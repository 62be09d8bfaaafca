import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Readable as NodeReadable } from 'node:stream'
import { abortError, anySignal } from '../../async/abort.ts'
import { collect } from '../../bytes/collect.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { goErrnoText } from '../../sys/errno-error.ts'
import type { DockerEndpoint } from './docker-endpoint.ts'
import { dialDocker } from './dial-docker.ts'

/** What goes with a request. */
export interface DockerRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** An object goes as JSON. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | { readonly json: unknown }
  readonly signal: AbortSignal
  /** Statuses, besides those below 400, that are no error. */
  readonly accept?: readonly number[]
}

/** An answer whose body has not been read. */
export interface DockerAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Readable
}

/** The HTTP API of a docker daemon. Each call has a connection of its own. */
export interface DockerApi {
  readonly host: string
  /** Throws `unavailable` where no daemon answers, and what the daemon says otherwise (`Error response from daemon: …`). */
  call(path: string, request: DockerRequest): Promise<DockerAnswer>
  /** As `call`, with the body read as JSON. */
  json(path: string, request: DockerRequest): Promise<unknown>
  /** Turns a request into a plain byte stream. */
  hijack(path: string, protocol: string, request: DockerRequest): Promise<Duplex>
}

/** Most bytes of an answer that is read whole. */
const maxJson = 16 * 1024 * 1024

/** How long a daemon may take to begin to answer a question, ms. */
const answerTimeout = 30_000

/** Talks to the daemon at an endpoint. `env` is for programs that make the connection (ssh). */
export function dockerApi(
  endpoint: DockerEndpoint,
  env: Readonly<Record<string, string | undefined>>,
): DockerApi {
  const version = env['DOCKER_API_VERSION']?.trim().replace(/^v/, '') ?? ''
  const prefix = version === '' ? '' : `/v${version}`
  const send = async (path: string, request: DockerRequest, extra: Record<string, string>): Promise<Sent> => {
    if (version !== '' && !/^\d+\.\d+$/.test(version)) {
      const wrong = `invalid API version (${version}): must be formatted <major>.<minor>`
      throw new SlipwayError('invalid-argument', wrong, { hint: 'it is that of DOCKER_API_VERSION' })
    }
    const socket = await dialDocker(endpoint, env, request.signal)
    return await start(socket, `${prefix}${path}`, request, extra, endpoint.host)
  }
  const api: DockerApi = {
    host: endpoint.host,
    async call(path, request) {
      const sent = await send(path, request, {})
      if (sent.kind === 'upgraded') {
        sent.duplex.destroy()
        throw garbage(endpoint.host, 'it switched protocols unasked')
      }
      const status = sent.answer.statusCode ?? 0
      if (status >= 400 && !(request.accept ?? []).includes(status)) throw await refusal(sent.answer, path)
      return { status, headers: sent.answer.headers, body: sent.answer }
    },
    async json(path, request) {
      const { body } = await api.call(path, request)
      const bytes = await collect(body, { limit: maxJson, what: `answer to ${path}` })
      if (bytes.length === 0) return undefined
      try {
        return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown
      } catch (cause) {
        throw garbage(endpoint.host, `its answer to ${path} is not JSON`, cause)
      }
    },
    async hijack(path, protocol, request) {
      const sent = await send(
        path,
        { ...request, method: 'POST' },
        { connection: 'Upgrade', upgrade: protocol },
      )
      if (sent.kind === 'upgraded') return sent.duplex
      const status = sent.answer.statusCode ?? 0
      if (status >= 400) throw await refusal(sent.answer, path)
      sent.answer.destroy()
      throw new SlipwayError('unavailable', `unable to upgrade to ${protocol}, received ${status}`)
    },
  }
  return api
}

type Sent =
  | { readonly kind: 'answer'; readonly answer: IncomingMessage }
  | { readonly kind: 'upgraded'; readonly duplex: Duplex }

async function start(
  socket: Duplex,
  path: string,
  request: DockerRequest,
  extra: Readonly<Record<string, string>>,
  host: string,
): Promise<Sent> {
  const { signal, body } = request
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) query.set(key, value)
  const text = query.toString()
  const isJson = body !== undefined && 'json' in body
  const bytes = isJson
    ? Buffer.from(JSON.stringify(body.json))
    : body instanceof Uint8Array
      ? body
      : undefined
  const headers: Record<string, string | string[]> = {
    host: 'docker',
    ...(isJson ? { 'content-type': 'application/json' } : {}),
    ...(bytes === undefined ? {} : { 'content-length': String(bytes.length) }),
    ...Object.fromEntries(
      Object.entries(request.headers ?? {}).map(([k, v]) => [k, typeof v === 'string' ? v : [...v]]),
    ),
    ...extra,
  }
  const outgoing = httpRequest({
    method: request.method ?? 'GET',
    path: text === '' ? path : `${path}?${text}`,
    headers,
    createConnection: () => socket as never,
  })
  const streamed = body === undefined || isJson || body instanceof Uint8Array ? undefined : body
  // A body that is streamed takes as long as it takes.
  const patience = streamed !== undefined ? signal : anySignal(signal, AbortSignal.timeout(answerTimeout))
  const onAbort = (): void => void outgoing.destroy(abortError(patience))
  patience.addEventListener('abort', onAbort, { once: true })
  try {
    const answered = answerOf(outgoing, host)
    const sending =
      streamed !== undefined
        ? sendBody(outgoing, streamed, signal)
        : Promise.resolve(void outgoing.end(bytes))
    // A daemon may answer, and close, before it has read everything: its answer says why.
    sending.catch(() => {})
    const sent = await answered
    const opened = sent.kind === 'upgraded' ? sent.duplex : sent.answer
    const drop = (): void => void opened.destroy(abortError(signal))
    signal.addEventListener('abort', drop, { once: true })
    opened.once('close', () => signal.removeEventListener('abort', drop))
    return sent
  } catch (error) {
    socket.destroy()
    if (signal.aborted) throw abortError(signal)
    if (patience.aborted)
      throw new SlipwayError('deadline-exceeded', `the docker daemon at ${host} does not answer`)
    throw error
  } finally {
    patience.removeEventListener('abort', onAbort)
  }
}

async function sendBody(
  outgoing: ClientRequest,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await pipeline(NodeReadable.from(body, { objectMode: false }), outgoing, { signal })
  } catch (error) {
    outgoing.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}

function answerOf(outgoing: ClientRequest, host: string): Promise<Sent> {
  const sent = Promise.withResolvers<Sent>()
  outgoing.once('response', answer => {
    answer.on('error', () => {})
    sent.resolve({ kind: 'answer', answer })
  })
  outgoing.once('upgrade', (_, duplex, head) => {
    if (head.length > 0) duplex.unshift(head)
    duplex.on('error', () => {})
    sent.resolve({ kind: 'upgraded', duplex })
  })
  outgoing.on('error', error => sent.reject(requestError(error, host)))
  return sent.promise
}

function requestError(error: Error, host: string): SlipwayError {
  const known = asSlipwayError(error)
  if (known === error) return known
  const code = 'code' in error ? String(error.code) : ''
  if (code.startsWith('HPE_')) return garbage(host, 'it does not speak HTTP', error)
  if (known.code === 'canceled' || known.code === 'deadline-exceeded') return known
  const call = 'syscall' in error ? String(error.syscall) : 'connect'
  // "socket hang up" in Node's words, where the connection ends before an answer.
  const why = goErrnoText(error, call) ?? (code === 'ECONNRESET' ? 'EOF' : error.message)
  return new SlipwayError('unavailable', `error during connect: ${host}: ${why}`, { cause: error })
}

function garbage(host: string, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError('unavailable', `what answers at ${host} is not a docker daemon: ${why}`, {
    cause,
    hint: 'check DOCKER_HOST, or the docker context in use',
  })
}

const codes: Readonly<
  Record<number, 'not-found' | 'already-exists' | 'invalid-argument' | 'permission-denied'>
> = {
  400: 'invalid-argument',
  403: 'permission-denied',
  404: 'not-found',
  409: 'already-exists',
}

async function refusal(answer: IncomingMessage, path: string): Promise<SlipwayError> {
  const status = answer.statusCode ?? 0
  const text = await collect(answer, { limit: 1 << 20, what: 'error' }).then(
    bytes => Buffer.from(bytes).toString('utf8').trim(),
    () => '',
  )
  let message = text
  try {
    const parsed = JSON.parse(text) as { readonly message?: unknown }
    if (typeof parsed.message === 'string') message = parsed.message.trim()
  } catch {
    // Not JSON: the text itself is what the daemon says.
  }
  const shown =
    message === '' ? `API returned a ${status} for ${path} but provided no error-message` : message
  return new SlipwayError(codes[status] ?? 'unknown', `Error response from daemon: ${shown}`)
}
