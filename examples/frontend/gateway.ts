import { randomUUID } from 'node:crypto'
import { Duplex, type Readable, type Writable } from 'node:stream'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { SlipwayError } from '../../src/errors/slipway-error.ts'
import type { SourceRange } from '../../src/errors/source-range.ts'
import { type ImageConfig, parseImageConfig } from '../../src/oci/image-config.ts'
import type { Platform } from '../../src/oci/platform.ts'
import { LLBBridge, type ResultSchema } from '../../src/proto/gen/gateway_pb.ts'
import type { Definition } from '../../src/proto/gen/ops_pb.ts'
import { toRpcStatus } from '../../src/session/errors/wire-error.ts'
import { callUnary } from '../../src/session/transport/call.ts'
import { type DuplexTransport, duplexTransport } from '../../src/session/transport/duplex-transport.ts'

/**
 * The builder's side of a frontend: gRPC over standard input and output, on which nothing else may be written.
 * Service: https://github.com/moby/buildkit/blob/v0.32.2/frontend/gateway/pb/gateway.proto
 */
export class Gateway implements AsyncDisposable {
  /** What the user asked for, by name: `filename`, `platform`, `build-arg:X` and so on. */
  readonly options: Readonly<Record<string, string>>
  /** Differs from build to build: what is loaded from the client is looked at anew each time. */
  readonly buildId: string
  readonly #connection: DuplexTransport

  constructor(env: NodeJS.ProcessEnv, stdin: Readable, stdout: Writable) {
    this.options = frontendOptions(env)
    this.buildId = env['BUILDKIT_SESSION_ID'] ?? randomUUID()
    this.#connection = duplexTransport(bothWays(stdin, stdout))
  }

  /** Platform of the builder. */
  async platform(): Promise<Platform> {
    const { Workers } = await callUnary(this.#connection.transport, LLBBridge.method.ping, {})
    const first = Workers[0]?.platforms[0]
    if (first === undefined) throw new SlipwayError('failed-precondition', 'the builder has no platform')
    return {
      os: first.OS,
      architecture: first.Architecture,
      ...(first.Variant && { variant: first.Variant }),
    }
  }

  /** An image by the digest that its name has now, and its configuration. */
  async image(name: string, platform: Platform): Promise<{ name: string; config: ImageConfig }> {
    const { os: OS, architecture: Architecture, variant: Variant = '' } = platform
    const found = await callUnary(this.#connection.transport, LLBBridge.method.resolveImageConfig, {
      Ref: name,
      Platform: { OS, Architecture, Variant },
      LogName: `[recipe] look up ${name}`,
    })
    const pinned =
      found.Digest === '' ? found.Ref || name : `${(found.Ref || name).split('@')[0]}@${found.Digest}`
    return { name: pinned, config: parseImageConfig(found.Config) }
  }

  /** Asks for a tree; it is built when something is read from it, or at the end. Its name is empty for the empty tree. */
  async solve(definition: Definition): Promise<string> {
    const { result } = await callUnary(this.#connection.transport, LLBBridge.method.solve, {
      Definition: definition,
      allowResultReturn: true,
      allowResultArrayRef: true,
    })
    return result?.result.case === 'ref' ? result.result.value.id : ''
  }

  /** A file of a tree. */
  async readFile(ref: string, path: string): Promise<Uint8Array> {
    const read = await callUnary(this.#connection.transport, LLBBridge.method.readFile, {
      Ref: ref,
      FilePath: path,
    })
    return read.Data
  }

  /** Shows a warning at the step with the digest. */
  async warn(digest: string, text: string, source: SourceRange): Promise<void> {
    const { filename, data, language = '', ranges } = source
    await callUnary(this.#connection.transport, LLBBridge.method.warn, {
      digest,
      level: 1n,
      short: Buffer.from(text),
      info: { filename, data, language },
      ranges: ranges.map(({ start, end }) => ({ start, end })),
    })
  }

  /** The last word: the result, or why there is none. */
  async return(answer: MessageInitShape<typeof ResultSchema> | Error): Promise<void> {
    const message =
      answer instanceof Error ? { error: toRpcStatus(answer, { ofBuild: true }) } : { result: answer }
    await callUnary(this.#connection.transport, LLBBridge.method.return, message)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]()
  }
}

/** Options come as numbered variables, `name=value` each. */
function frontendOptions(env: NodeJS.ProcessEnv): Record<string, string> {
  const options: Record<string, string> = {}
  for (const [name, text = ''] of Object.entries(env)) {
    if (!/^BUILDKIT_FRONTEND_OPT_\d+$/.test(name)) continue
    const at = text.indexOf('=')
    options[text.slice(0, at)] = text.slice(at + 1)
  }
  return options
}

/** Two streams as one. */
function bothWays(stdin: Readable, stdout: Writable): Duplex {
  const duplex = new Duplex({
    read: () => void stdin.resume(),
    write: (chunk: Uint8Array, _encoding, done) => void stdout.write(chunk, done),
  })
  stdin.on('data', (chunk: Uint8Array) => {
    if (!duplex.push(chunk)) stdin.pause()
  })
  stdin.once('end', () => duplex.push(null))
  return duplex
}
