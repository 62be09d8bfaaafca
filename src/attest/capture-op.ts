import type { Platform } from '../oci/descriptor.ts'
import { type ExecOp, MountType, NetMode, type Op, type SourceOp } from '../proto/gen/ops_pb.ts'
import type { Capture } from './capture.ts'
import type { StepRequests } from './sources.ts'

/** A step that reached the network through a proxy only; `requests` where it worked, rather than being cached. */
export interface ProxiedStep {
  readonly digest: string
  readonly requests: StepRequests | undefined
}

/** Adds what one operation brought in. `pin` is what its source turned out to be: a digest, a commit. */
export function captureOp(
  capture: Capture,
  op: Op,
  platform: Platform,
  pin: string | undefined,
  proxied?: ProxiedStep,
): void {
  switch (op.op.case) {
    case 'source':
      captureSource(capture, op.op.value, platform, pin)
      break
    case 'exec':
      captureExec(capture, op.op.value)
      if (proxied !== undefined) captureRequests(capture, op.op.value, proxied)
      break
    case 'build':
      capture.incomplete = true
      break
    default:
  }
}

function captureExec(capture: Capture, exec: ExecOp): void {
  for (const mount of exec.mounts) {
    if (mount.mountType === MountType.SECRET) capture.addSecret(named(mount.secretOpt))
    if (mount.mountType === MountType.SSH) capture.addSsh(named(mount.SSHOpt))
  }
  for (const secret of exec.secretenv) capture.addSecret(named(secret))
  if (exec.network !== NetMode.NONE) capture.networkAccess = true
}

function captureRequests(capture: Capture, exec: ExecOp, { digest, requests }: ProxiedStep): void {
  capture.proxyNetwork = true
  for (const { url, sha256 } of requests?.fetched ?? []) capture.addHttp({ url, digest: `sha256:${sha256}` })
  const name = exec.meta?.args.join(' ') ?? ''
  for (const { method, url, reason } of requests?.unknown ?? [])
    capture.addUnknownRequest({ op: digest, name, method, uri: url, reason })
}

const named = (option: { ID: string; optional: boolean } | undefined): { id: string; optional: boolean } => ({
  id: option?.ID ?? '',
  optional: option?.optional ?? false,
})

function captureSource(
  capture: Capture,
  source: SourceOp,
  platform: Platform,
  pin: string | undefined,
): void {
  const at = source.identifier.indexOf('://')
  const scheme = source.identifier.slice(0, at)
  const rest = source.identifier.slice(at + 3)
  switch (scheme) {
    case 'docker-image':
    case 'oci-layout': {
      const digest = pin === undefined ? {} : { digest: pin }
      capture.addImage({ reference: rest, platform, local: scheme === 'oci-layout', ...digest })
      break
    }
    case 'docker-image+blob':
    case 'oci-layout+blob':
      capture.addBlob({ reference: rest, digest: pin ?? '', local: scheme === 'oci-layout+blob' })
      break
    case 'local':
      capture.addLocal(rest)
      break
    case 'http':
    case 'https':
      capture.addHttp({ url: source.identifier, digest: pin ?? '' })
      break
    case 'git':
      captureGit(capture, rest, source.attrs, pin ?? '')
      break
    default:
      capture.incomplete = true
  }
}

/** A Git source is named by its remote as git is called with, and the ref that was asked for. */
function captureGit(
  capture: Capture,
  rest: string,
  attrs: Readonly<Record<string, string>>,
  commit: string,
): void {
  const [address = '', fragment = ''] = rest.split('#', 2)
  const [ref = ''] = fragment.split(':', 1)
  const full = attrs['git.fullurl'] || address
  const [remote = ''] = (isTransport(full) ? full : `https://${full}`).split(/[?#]/, 1)
  const bundle = attrs['git.bundle'] ? { bundle: attrs['git.bundle'] } : {}
  capture.addGit({ url: ref === '' ? remote : `${remote}#${ref}`, commit, ...bundle })
  for (const key of ['git.authtokensecret', 'git.authheadersecret']) {
    const id = attrs[key]
    if (id) capture.addSecret({ id, optional: true })
  }
  const socket = attrs['git.mountsshsock']
  if (socket) capture.addSsh({ id: socket, optional: true })
}

const isTransport = (url: string): boolean => /^[a-zA-Z0-9]+:\/\/|^[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:/.test(url)
