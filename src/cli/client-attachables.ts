import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { abortable } from '../async/abort.ts'
import { makeDirectories } from '../bytes/make-directories.ts'
import type { SecretEntry } from '../bake/attrs/secret-entry.ts'
import type { SshEntry } from '../bake/attrs/ssh-entry.ts'
import type { OutputTarget, ResolvedOutput } from '../build/outputs.ts'
import { writeWholeFile } from '../bytes/whole-file.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { Attachable } from '../session/attachable.ts'
import { auth } from '../session/attachables/auth.ts'
import { type ExportTarget, fileSend } from '../session/attachables/file-send.ts'
import { maxSecretBytes, secrets } from '../session/attachables/secrets.ts'
import { ssh } from '../session/attachables/ssh.ts'
import { agentSources } from '../session/ssh/agent-source.ts'
import { userCredentials } from './docker-credentials.ts'
import type { Host } from './host.ts'

/** Registry credentials of the user. */
export function authAttachable(host: Host): Attachable {
  const ask = userCredentials(host)
  return auth({
    async credentials(registry, _scopes, signal) {
      const found = await ask(registry, signal)
      if (found === undefined) return {}
      const { username, secret, registryToken } = found
      if (registryToken !== undefined) return { registryToken }
      return username === '' ? { identityToken: secret } : { username, password: secret }
    },
  })
}

/** Secrets of `--secret`. Throws where a file is missing or too large, before anything is built. */
export async function secretsAttachable(entries: readonly SecretEntry[], host: Host): Promise<Attachable> {
  const sources = new Map<string, () => Promise<Uint8Array | undefined>>()
  if (entries.some(entry => entry.id === '')) throw new SlipwayError('invalid-argument', 'secret missing ID')
  for (const entry of entries) sources.set(entry.id, await secretSource(entry, host))
  return secrets(async id => sources.get(id)?.())
}

async function secretSource(entry: SecretEntry, host: Host): Promise<() => Promise<Uint8Array | undefined>> {
  const { id, source, env } = entry
  const variable = env ?? (source === undefined && host.env[id] !== undefined ? id : undefined)
  const ofVariable = async (): Promise<Uint8Array | undefined> => {
    const value = variable === undefined ? undefined : host.env[variable]
    return value === undefined ? undefined : Buffer.from(value)
  }
  if (source === undefined && variable !== undefined) return ofVariable
  const given = source ?? id
  const path = resolve(host.cwd, given)
  const found = await stat(path).catch((e: unknown) => {
    throw new SlipwayError('not-found', `failed to stat ${given}: stat ${given}: no such file or directory`, {
      cause: e,
      hint: `--secret id=${id} needs a file or a variable`,
    })
  })
  if (found.size > maxSecretBytes)
    throw new SlipwayError('invalid-argument', `secret ${id} too big. max size ${maxSecretBytes / 1024}KiB`)
  return variable === undefined ? () => readFile(path) : ofVariable
}

/**
 * Agents and keys of `--ssh`; a context that git fetches over ssh brings the user's agent along. There without any, too: it
 * says which one a step misses. Throws `invalid-argument` in upstream's words.
 */
export async function sshAttachable(
  entries: readonly SshEntry[],
  context: string,
  host: Host,
): Promise<Attachable> {
  const wanted = entries.length === 0 && gitOverSsh.test(context) ? [{ id: 'default', paths: [] }] : entries
  return ssh(await agentSources(wanted, host.env['SSH_AUTH_SOCK']))
}

/** `ssh://…` and the form of scp. */
const gitOverSsh = /^(?:ssh:\/\/|[^/\s]+@[^/:\s]+:)/

/** Receivers of the outputs that are files, by their numbers. */
export function outputsAttachable(outputs: readonly ResolvedOutput[], host: Host): Attachable {
  const targets: Record<number, ExportTarget> = {}
  for (const [id, output] of outputs.entries()) {
    if (output.target !== undefined && output.target.kind !== 'layout')
      targets[id] = exportTarget(output.target, output.attrs['mode'] === 'delete', host)
  }
  return fileSend(targets)
}

function exportTarget(
  target: Exclude<OutputTarget, { kind: 'layout' }>,
  remove: boolean,
  host: Host,
): ExportTarget {
  if (target.kind === 'directory')
    return { kind: 'directory', path: target.path, ...(remove ? { remove } : {}) }
  if (target.kind === 'stdout') {
    return {
      kind: 'stream',
      // A write that nobody reads ends only with the process: the signal must not wait for it.
      receive: (stream, _metadata, signal) =>
        abortable(pipeline(stream, host.stdout.stream, { end: false, signal }), signal),
    }
  }
  if (target.kind === 'stream') {
    return { kind: 'stream', receive: (stream, _metadata, signal) => target.receive(stream, signal) }
  }
  return { kind: 'stream', receive: (stream, _metadata, signal) => writeArchive(target.path, stream, signal) }
}

/** The file appears under its name only when it is whole. */
async function writeArchive(
  path: string,
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  await makeDirectories(dirname(path))
  await writeWholeFile(path, stream, { mode: 0o644, signal })
}
