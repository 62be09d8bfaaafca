import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { callCli, type CliOutcome } from '../testing/call-cli.ts'

const skip = process.getuid?.() === 0 ? false : 'the engine needs root here'
const noGit =
  spawnSync('git', ['daemon', '--help'], { stdio: 'ignore' }).status === 0
    ? skip
    : 'git daemon is not installed'

const definition = `
variable "BAKE_CMD_CONTEXT" {}
group "default" { targets = ["root", "sub"] }
target "root" {
  dockerfile-inline = "FROM scratch\\nCOPY file /root-file\\n"
  output = ["type=local,dest=out/root"]
}
target "sub" {
  context = "sub"
  output = ["type=local,dest=out/sub"]
}
target "local" {
  context = BAKE_CMD_CONTEXT
  contexts = { other = "sub" }
  dockerfile-inline = "FROM scratch\\nCOPY here /here\\nCOPY --from=other f /f\\n"
  output = ["type=local,dest=out/local"]
}
`

/** A source of definitions on a web server, an empty engine, and a directory to work in. */
class Remote implements AsyncDisposable {
  readonly home: string
  readonly source: string
  readonly cwd: string
  readonly #stack = new AsyncDisposableStack()

  private constructor(home: string) {
    this.home = home
    this.source = join(home, 'source')
    this.cwd = join(home, 'cwd')
  }

  static async make(): Promise<Remote> {
    const remote = new Remote(await mkdtemp(join(tmpdir(), 'slipway-remote-')))
    remote.#stack.defer(() => rm(remote.home, { recursive: true, force: true, maxRetries: 10 }))
    await mkdir(join(remote.source, 'sub'), { recursive: true })
    await mkdir(remote.cwd)
    const files = {
      'source/docker-bake.hcl': definition,
      'source/other.hcl': 'target "default" {\n  args = { FROM = "other" }\n}\n',
      'source/file': 'root\n',
      'source/sub/f': 'sub\n',
      'source/sub/Dockerfile': 'FROM scratch\nCOPY f /f\n',
      'cwd/here': 'here\n',
      'cwd/more.hcl': 'target "default" {\n  labels = { l = "local" }\n}\n',
    }
    for (const [path, text] of Object.entries(files)) await writeFile(join(remote.home, path), text)
    return remote
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  /** Serves files of the home directory; answers the URL of its root. */
  async serveWeb(): Promise<string> {
    const server = createServer((request, response) => {
      readFile(join(this.home, request.url ?? '')).then(
        body => response.end(body),
        () => response.writeHead(404).end(),
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#stack.defer(() => void server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Serves the source as a repository; answers its URL. */
  async serveGit(): Promise<string> {
    const git = (...args: readonly string[]): void => {
      const identity = ['-c', 'user.name=t', '-c', 'user.email=t@t']
      execFileSync('git', [...identity, ...args], { cwd: this.source, stdio: 'ignore' })
    }
    git('init', '-q', '-b', 'main')
    git('add', '-A')
    git('commit', '-q', '-m', 'first')
    const port = await freePort()
    const flags = [`--base-path=${this.home}`, '--export-all', '--listen=127.0.0.1', `--port=${port}`]
    const daemon = spawn('git', ['daemon', ...flags, this.home], { stdio: 'ignore', detached: true })
    this.#stack.defer(() => void process.kill(-(daemon.pid ?? 0), 'SIGKILL'))
    for (let i = 0; i < 100 && !(await answers(port)); i++) await setTimeout(50)
    return `git://127.0.0.1:${port}/source`
  }

  async bake(...args: readonly string[]): Promise<CliOutcome> {
    const env = {
      HOME: this.home,
      BUILDX_CONFIG: join(this.home, 'buildx'),
      DOCKER_CONFIG: this.home,
      SLIPWAY_ROOT: join(this.home, 'root'),
    }
    const flags = ['--builder', 'slipway', 'bake', '--progress', 'plain', '--allow', 'fs=*']
    return await callCli([...flags, ...args], { cwd: this.cwd, env })
  }

  async read(path: string): Promise<string> {
    return await readFile(join(this.cwd, 'out', path), 'utf8')
  }
}

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

interface Printed {
  readonly target: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

describe('bake of a remote definition', { skip }, () => {
  it('reads files of a repository, which is the context of its targets', { skip: noGit }, async () => {
    await using remote = await Remote.make()
    const url = `${await remote.serveGit()}#main`
    const printed = await remote.bake(url, '--print')
    assert.equal(printed.code, 0, printed.stderr)
    const { target } = JSON.parse(printed.stdout) as Printed
    assert.equal(target['root']?.['context'], url)
    assert.equal(target['sub']?.['context'], `${url}:sub`)
    const built = await remote.bake(url)
    assert.equal(built.code, 0, built.stderr)
    assert.equal(await remote.read('root/root-file'), 'root\n')
    assert.equal(await remote.read('sub/f'), 'sub\n')
  })

  it('reads what -f names there, and here behind cwd://', { skip: noGit }, async () => {
    await using remote = await Remote.make()
    const url = await remote.serveGit()
    const merged = await remote.bake(url, '-f', 'other.hcl', '-f', 'cwd://more.hcl', '--print')
    assert.equal(merged.code, 0, merged.stderr)
    const { target } = JSON.parse(merged.stdout) as Printed
    assert.deepEqual(target['default']?.['args'], { FROM: 'other' })
    assert.deepEqual(target['default']?.['labels'], { l: 'local' })
    const missing = await remote.bake(url, '-f', 'missing.hcl', '--print')
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /^ERROR: failed to solve: .*missing\.hcl: no such file or directory$/m)
  })

  it('takes BAKE_CMD_CONTEXT from here or from a second URL', { skip: noGit }, async () => {
    await using remote = await Remote.make()
    const url = await remote.serveGit()
    const here = await remote.bake(url, 'local')
    assert.equal(here.code, 0, here.stderr)
    assert.equal(await remote.read('local/here'), 'here\n')
    assert.equal(await remote.read('local/f'), 'sub\n')
    const there = await remote.bake(url, `${url}#main:sub`, 'local', '--print')
    assert.equal(there.code, 0, there.stderr)
    const { target } = JSON.parse(there.stdout) as Printed
    assert.equal(target['local']?.['context'], `${url}#main:sub`)
  })

  it('reads a file of a web server, with contexts here', async () => {
    await using remote = await Remote.make()
    const web = await remote.serveWeb()
    const printed = await remote.bake(`${web}/source/other.hcl`, '--print')
    assert.equal(printed.code, 0, printed.stderr)
    const { target } = JSON.parse(printed.stdout) as Printed
    assert.equal(target['default']?.['context'], '.')
    const missing = await remote.bake(`${web}/nothing`, '--print')
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /^ERROR: failed to solve: .*404/m)
    assert.doesNotMatch(missing.stderr, /\n {4}at /)
  })

  it('builds in folders of an archive', async () => {
    await using remote = await Remote.make()
    execFileSync('tar', ['-czf', join(remote.home, 'source.tar.gz'), '-C', remote.source, '.'])
    const built = await remote.bake(`${await remote.serveWeb()}/source.tar.gz`, 'root', 'sub', 'local')
    assert.equal(built.code, 0, built.stderr)
    assert.equal(await remote.read('root/root-file'), 'root\n')
    assert.equal(await remote.read('sub/f'), 'sub\n')
    assert.equal(await remote.read('local/f'), 'sub\n')
  })
})
