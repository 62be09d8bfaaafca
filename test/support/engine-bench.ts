import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { arch } from 'node:os'
import { join, relative } from 'node:path'
import { openSession } from '../../src/buildkit/client/open-session.ts'
import { embeddedConnection } from '../../src/buildkit/server/embedded.ts'
import { emptyConfig } from '../../src/engine/daemon-config.ts'
import type { BridgeApi, CallContext } from '../../src/engine/engine-api.ts'
import { type LocalEngine, openLocalEngine } from '../../src/engine/local-engine.ts'
import { marshal } from '../../src/llb/marshal.ts'
import type { State } from '../../src/llb/state.ts'
import type { Platform } from '../../src/oci/descriptor.ts'
import { SolveRequestSchema } from '../../src/proto/gen/control_pb.ts'
import type { Definition } from '../../src/proto/gen/ops_pb.ts'
import type { Attachable } from '../../src/session/attachable.ts'
import { type ExportTarget, fileSend } from '../../src/session/attachables/file-send.ts'
import { makeScratch, type Scratch } from './scratch.ts'

/** The platform of this machine. */
export const hostPlatform: Platform = { os: 'linux', architecture: arch() === 'arm64' ? 'arm64' : 'amd64' }

/** A client's view of one build. */
export interface BuildWish {
  /** What to build; absent where the client drives the build itself. */
  readonly state?: State
  readonly request?: MessageInitShape<typeof SolveRequestSchema>
  readonly attachables?: readonly Attachable[]
  /** Where exports go, by their number. */
  readonly targets?: Readonly<Record<number, ExportTarget>>
  /** Drives the build: what it does before `Return`. */
  readonly drive?: (bridge: BridgeApi, call: CallContext) => Promise<void>
  readonly signal?: AbortSignal
}

/** The definition of a tree. */
export const definitionOf = (state: State): Definition =>
  marshal(state.output, { platform: hostPlatform, localUniqueId: 'test' })

/** An engine with a state directory of its own, and clients for it. Needs root. */
export class EngineBench implements AsyncDisposable {
  readonly scratch: Scratch
  readonly local: LocalEngine

  private constructor(scratch: Scratch, local: LocalEngine) {
    this.scratch = scratch
    this.local = local
  }

  /** `document`: settings as in buildkitd.toml. */
  static async open(document: Readonly<Record<string, unknown>> = {}): Promise<EngineBench> {
    const scratch = await makeScratch()
    const local = await openLocalEngine({
      root: scratch.path('state'),
      config: { ...emptyConfig, document },
      machine: { hostPlatform, platforms: () => [hostPlatform], checkPlatform: () => {} },
      proxy: {},
    })
    return new EngineBench(scratch, local)
  }

  /** Runs a build to its end; answers what its exporters say. */
  async solve(wish: BuildWish): Promise<Readonly<Record<string, string>>> {
    const { engine, sessions } = this.local
    const connection = embeddedConnection(engine, sessions)
    const attachables = [...(wish.targets ? [fileSend(wish.targets)] : []), ...(wish.attachables ?? [])]
    const identity = { id: randomUUID(), name: 'test', sharedKey: '' }
    await using session = openSession(connection, attachables, identity)
    const request = create(SolveRequestSchema, {
      Ref: randomUUID(),
      Session: session.id,
      ...(wish.state ? { Definition: definitionOf(wish.state) } : {}),
      ...wish.request,
    })
    const call: CallContext = {
      signal: wish.signal ?? new AbortController().signal,
      headers: new Headers(),
      responseHeaders: new Headers(),
    }
    const solved = engine.control.solve(request, call)
    solved.catch(() => {})
    if (wish.drive) await wish.drive(await engine.bridge(request.Ref, call.signal), call)
    return { ...(await solved).ExporterResponse }
  }

  /** Builds a tree; answers its files with their content, and directories with a slash. */
  async files(
    state: State,
    request: BuildWish['request'] = {},
    attachables: readonly Attachable[] = [],
  ): Promise<Record<string, string>> {
    const path = this.scratch.path(randomUUID())
    mkdirSync(path)
    const Exporters = [{ Type: 'local' }]
    const targets = { 0: { kind: 'directory' as const, path } }
    await this.solve({ state, request: { Exporters, ...request }, targets, attachables })
    return readTree(path)
  }

  /** Builds a tree; answers the blocks of its archive (512 bytes, Latin-1). */
  async archive(state: State): Promise<readonly string[]> {
    let text = ''
    const receive = async (stream: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const chunk of stream) text += Buffer.from(chunk).toString('latin1')
    }
    const request = { Exporters: [{ Type: 'tar' }] }
    await this.solve({ state, request, targets: { 0: { kind: 'stream', receive } } })
    return text.match(/.{512}/gs) ?? []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.local[Symbol.asyncDispose]()
    await this.scratch[Symbol.asyncDispose]()
  }
}

function readTree(root: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = relative(root, path)
    if (entry.isDirectory()) found[`${name}/`] = ''
    else if (entry.isFile()) found[name] = readFileSync(path, 'latin1')
  }
  return found
}
