import { gitState } from '../dockerfile/git/git-state.ts'
import { randomUUID } from 'node:crypto'
import { lstat, mkdtemp, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { tryParseBool } from '../gostd/parse-number.ts'
import { marshal } from '../llb/marshal.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Definition } from '../proto/gen/ops_pb.ts'
import { collect } from '../bytes/collect.ts'
import type { BuildRequest } from './build-request.ts'
import { isArchive } from './is-archive.ts'
import { ociLayoutContext } from './oci-layout-context.ts'
import { isHttpUrl, isRemoteUrl } from './remote-url.ts'

/** What a build takes from this machine. Disposing removes temporary files. */
export interface BuildInputs extends AsyncDisposable {
  /** Directories by the names under which the frontend asks for them. */
  readonly localDirs: Readonly<Record<string, string>>
  readonly frontendAttrs: Readonly<Record<string, string>>
  /** Graphs that the frontend is given, by the names under which the attributes speak of them. */
  readonly frontendInputs: Readonly<Record<string, Definition>>
  /** OCI layouts by the names under which the node asks for their blobs. */
  readonly layouts: Readonly<Record<string, string>>
  /** An archive from standard input, to be fetched once by the daemon. */
  readonly upload?: AsyncIterable<Uint8Array>
  /** Tells transfer caches of different projects apart. */
  readonly sharedKey: string
}

/** Where inputs come from. */
export interface InputHost {
  readonly cwd: string
  readonly tempDir: string
  readonly stdin: AsyncIterable<Uint8Array>
  /** Has the node read the Dockerfile at a URL. */
  readonly download: (url: string) => Promise<Uint8Array>
  /** Git addresses with queries go to the frontend as graphs for this platform: older frontends do not read them. */
  readonly gitAsInput?: Platform
  /** Targets that are built together with this one, which may be its contexts. */
  readonly targets?: ReadonlySet<string>
}

/** A Dockerfile from standard input is not read beyond this (bytes). */
const maxDockerfile = 2 * 1024 * 1024

/**
 * Finds context, Dockerfile and named contexts. Throws `invalid-argument`, `not-found` in buildx's words.
 * Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/opt.go
 */
export async function prepareInputs(request: BuildRequest, host: InputHost): Promise<BuildInputs> {
  const inputs = new InputPreparation(request, host)
  try {
    return await inputs.prepare()
  } catch (e) {
    await inputs[Symbol.asyncDispose]()
    throw e
  }
}

class InputPreparation implements BuildInputs {
  readonly localDirs: Record<string, string> = {}
  readonly frontendAttrs: Record<string, string> = {}
  readonly frontendInputs: Record<string, Definition> = {}
  readonly layouts: Record<string, string> = {}
  upload?: AsyncIterable<Uint8Array>
  sharedKey = ''
  readonly #request: BuildRequest
  readonly #host: InputHost
  readonly #temporary: string[] = []
  /** What the frontend must be able to do. */
  readonly #caps = new Set<string>()

  constructor(request: BuildRequest, host: InputHost) {
    this.#request = request
    this.#host = host
  }

  async prepare(): Promise<this> {
    const { context } = this.#request
    if (context === '')
      throw new SlipwayError(
        'invalid-argument',
        'please specify build context (e.g. "." for the current directory)',
      )
    if (context === '-') await this.#standardInput()
    else if (isRemoteUrl(context)) await this.#remote(context)
    else await this.#directory(context)
    const named = Object.entries(this.#request.contexts)
    for (const [name, value] of named) await this.#named(name, value)
    if (named.length > 0) this.#caps.add('moby.buildkit.frontend.contexts+forward')
    if (this.#caps.size > 0) this.frontendAttrs['frontend.caps'] = [...this.#caps].sort().join(',')
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of this.#temporary) await rm(path, { recursive: true, force: true })
  }

  async #directory(context: string): Promise<void> {
    const path = resolve(this.#host.cwd, context)
    const found = await stat(path).catch(() => undefined)
    if (found === undefined)
      throw new SlipwayError(
        'not-found',
        `unable to prepare context: path ${JSON.stringify(context)} not found`,
      )
    if (!found.isDirectory())
      throw new SlipwayError(
        'invalid-argument',
        `unable to prepare context: path ${JSON.stringify(context)} not found`,
        { hint: 'the context is a directory; a Dockerfile is named with --file' },
      )
    this.localDirs['context'] = path
    this.sharedKey = basename(path)
    await this.#dockerfile(path)
  }

  async #dockerfile(contextDir: string): Promise<void> {
    const { dockerfile, dockerfileInline } = this.#request
    if (dockerfileInline !== undefined) return this.#textDockerfile(Buffer.from(dockerfileInline))
    if (dockerfile === '-')
      return this.#textDockerfile(
        await collect(this.#host.stdin, { limit: maxDockerfile, what: 'Dockerfile' }),
      )
    if (dockerfile !== undefined && isHttpUrl(dockerfile))
      return this.#textDockerfile(await this.#host.download(dockerfile))
    const [dir, name] =
      dockerfile === undefined || dockerfile === ''
        ? [contextDir, 'Dockerfile']
        : await offered(this.#host.cwd, dockerfile)
    if (dockerfile !== undefined && dockerfile !== '') await checkFolder(this.#host.cwd, dirname(dockerfile))
    this.localDirs['dockerfile'] = dir
    this.frontendAttrs['filename'] = await existingName(dir, name)
  }

  async #textDockerfile(bytes: Uint8Array): Promise<void> {
    const dir = await this.#temporaryDir()
    await writeFile(join(dir, 'Dockerfile'), bytes)
    this.localDirs['dockerfile'] = dir
    this.frontendAttrs['filename'] = 'Dockerfile'
    this.frontendAttrs['dockerfilekey'] = 'dockerfile'
  }

  async #standardInput(): Promise<void> {
    const { dockerfile } = this.#request
    if (dockerfile === '-') {
      throw new SlipwayError(
        'invalid-argument',
        "invalid argument: can't use stdin for both build context and dockerfile",
      )
    }
    const [head, whole] = await peek(this.#host.stdin)
    if (isArchive(head)) {
      this.upload = whole
      if (dockerfile !== undefined && dockerfile !== '') this.frontendAttrs['filename'] = dockerfile
      else this.frontendAttrs['filename'] = 'Dockerfile'
      return
    }
    if (dockerfile !== undefined && dockerfile !== '') {
      throw new SlipwayError(
        'invalid-argument',
        'ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles',
      )
    }
    this.localDirs['context'] = await this.#temporaryDir()
    await this.#textDockerfile(await collect(whole, { limit: maxDockerfile, what: 'Dockerfile' }))
  }

  async #remote(url: string): Promise<void> {
    const { dockerfile, dockerfileInline } = this.#request
    this.frontendAttrs['context'] = url
    this.#gitQuery(url, 'context')
    if (dockerfileInline !== undefined) return this.#textDockerfile(Buffer.from(dockerfileInline))
    if (dockerfile === '-')
      return this.#textDockerfile(
        await collect(this.#host.stdin, { limit: maxDockerfile, what: 'Dockerfile' }),
      )
    if (dockerfile !== undefined && isHttpUrl(dockerfile))
      return this.#textDockerfile(await this.#host.download(dockerfile))
    if (dockerfile !== undefined && isAbsolute(dockerfile)) {
      this.localDirs['dockerfile'] = dirname(dockerfile)
      this.frontendAttrs['filename'] = basename(dockerfile)
      this.frontendAttrs['dockerfilekey'] = 'dockerfile'
      return
    }
    this.frontendAttrs['filename'] = dockerfile ?? 'Dockerfile'
    const { context } = this.frontendInputs
    if (context !== undefined) this.frontendInputs['dockerfile'] = context
  }

  async #named(name: string, value: string): Promise<void> {
    const layout = await ociLayoutContext(value, this.#host.cwd)
    if (layout !== undefined) {
      const store = randomUUID().replaceAll('-', '')
      this.layouts[store] = layout.path
      this.frontendAttrs[`context:${name}`] =
        `oci-layout://${store}${layout.tag === undefined ? '' : `:${layout.tag}`}@${layout.digest}`
      return
    }
    const target = /^target:(.*)$/s.exec(value)?.[1]
    if (target !== undefined && this.#host.targets?.has(target) !== true) {
      throw new SlipwayError('not-found', `failed to find target ${target} for context ${name}`, {
        hint: 'targets are known to bake only',
      })
    }
    if (target !== undefined || isRemoteUrl(value) || value.startsWith('docker-image://')) {
      this.frontendAttrs[`context:${name}`] = value
      if (isRemoteUrl(value)) this.#gitQuery(value, `context:${name}`)
      return
    }
    const path = resolve(this.#host.cwd, value)
    const found = value === '' ? undefined : await stat(path).catch(() => undefined)
    if (found === undefined)
      throw new SlipwayError(
        'not-found',
        `failed to get build context ${name}: stat ${value}: no such file or directory`,
      )
    if (!found.isDirectory())
      throw new SlipwayError(
        'invalid-argument',
        `failed to get build context path {${value} <nil>}: not a directory`,
      )
    const local = name === 'context' || name === 'dockerfile' ? `_${name}` : name
    this.localDirs[local] = path
    this.frontendAttrs[`context:${name}`] = `local:${local}`
    this.frontendAttrs[`sharedkey:localdir:${name}`] = basename(path)
  }

  /** An address with a query: the frontend must be able to read it, or gets what it stands for. */
  #gitQuery(url: string, attribute: string): void {
    if (!hasQuery(url)) return
    const isMain = attribute === 'context'
    const platform = this.#host.gitAsInput
    if (platform === undefined) {
      this.#caps.add(`moby.buildkit.frontend.gitquerystring${isMain ? '' : '+forward'}`)
      return
    }
    const keep = isMain ? this.#request.buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] : undefined
    const state = gitState(url, tryParseBool(keep ?? '') === true)
    if (state === undefined) return
    const input = isMain ? attribute : `git_state_${attribute}`
    this.frontendInputs[input] = marshal(state.output, { platform, localUniqueId: '' })
    this.frontendAttrs[`input:${attribute}`] = url
    if (isMain) delete this.frontendAttrs['context']
    else this.frontendAttrs[attribute] = `input:${input}`
  }

  async #temporaryDir(): Promise<string> {
    const dir = await mkdtemp(join(this.#host.tempDir, 'slipway-'))
    this.#temporary.push(dir)
    return dir
  }
}

/** `?key=value` stands before the fragment. */
function hasQuery(url: string): boolean {
  return /^[^#?]*\?[^#]/.test(url)
}

/**
 * The directory that is offered, and the name in it. `.` and `..` stay names, which are no files. A link out of its directory
 * is read where it leads: daemons look no further than the directory.
 */
async function offered(cwd: string, dockerfile: string): Promise<[dir: string, name: string]> {
  const trimmed = dockerfile.replace(/(?<=.)\/+$/, '')
  const name = basename(trimmed)
  const dir = resolve(cwd, trimmed === dockerfile ? dirname(dockerfile) : trimmed)
  const real = await followLink(join(dir, name))
  const isInside = real.startsWith(`${dir}/`) || name === '.' || name === '..'
  return isInside ? [dir, name] : [dirname(real), basename(real)]
}

/** The folder of a Dockerfile, as it was given. Throws `not-found`, `invalid-argument` in buildx's words. */
async function checkFolder(cwd: string, folder: string): Promise<void> {
  const found = await stat(resolve(cwd, folder)).catch((e: NodeJS.ErrnoException) => e.code)
  if (typeof found === 'object') {
    if (found.isDirectory()) return
    throw new SlipwayError('invalid-argument', `stat ${folder}: not a directory`)
  }
  if (found !== 'ENOENT' && found !== 'ENOTDIR') return
  const parts = folder.split('/')
  for (let length = 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join('/')
    const there = part === '' ? undefined : await lstat(resolve(cwd, part)).catch(() => part)
    if (there !== part) continue
    const problem = found === 'ENOENT' ? `lstat ${part}: no such file or directory` : 'not a directory'
    throw new SlipwayError('not-found', `resolve : ${problem}`)
  }
}

async function followLink(path: string): Promise<string> {
  let current = path
  for (let i = 0; i < 40; i++) {
    const target = await readlink(current).catch(() => undefined)
    if (target === undefined) return current
    current = resolve(dirname(current), target)
  }
  return path
}

/** `Dockerfile` may also be written `dockerfile`, on file systems that tell the two apart. */
async function existingName(dir: string, name: string): Promise<string> {
  if (name !== 'Dockerfile') return name
  const names = await readdir(dir).catch((): string[] => [])
  return !names.includes('Dockerfile') && names.includes('dockerfile') ? 'dockerfile' : name
}

/** The first block of a stream, and the stream as if it had not been touched. */
async function peek(stream: AsyncIterable<Uint8Array>): Promise<[Uint8Array, AsyncIterable<Uint8Array>]> {
  const iterator = stream[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let length = 0
  while (length < 1024) {
    const next = await iterator.next()
    if (next.done) break
    chunks.push(next.value)
    length += next.value.length
  }
  const head = Buffer.concat(chunks)
  async function* whole(): AsyncIterable<Uint8Array> {
    yield head
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  }
  return [head, whole()]
}
