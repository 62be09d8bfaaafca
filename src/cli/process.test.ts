import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { collectText } from '../bytes/collect.ts'

const execFileAsync = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const env = { ...process.env, SLIPWAY_NODE: process.execPath }

/** A program that waits until it is told to stop, and says so. */
const waiting = `
  import { abortOnSignals } from '${join(import.meta.dirname, 'signals.ts')}'
  const host = { env: process.env, stderr: { write: text => process.stderr.write(text) } }
  abortOnSignals(host).addEventListener('abort', () => console.log('aborted'))
  setInterval(() => {}, 1000)
  console.log('ready')`

class Waiting {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  text = ''
  #changed = Promise.withResolvers<void>()

  constructor(extra: NodeJS.ProcessEnv = {}) {
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', waiting]
    this.child = spawn(process.execPath, args, { env: { ...env, ...extra } })
    this.ended = new Promise(resolve => this.child.once('exit', resolve))
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.text += chunk.toString()
        this.#changed.resolve()
        this.#changed = Promise.withResolvers()
      })
    }
  }

  async says(word: string): Promise<void> {
    while (!this.text.includes(word)) await this.#changed.promise
  }
}

describe('stopping', () => {
  it('is asked for by the first signal and forced by the third', async () => {
    const program = new Waiting()
    await program.says('ready')
    program.child.kill('SIGINT')
    await program.says('aborted')
    program.child.kill('SIGTERM')
    program.child.kill('SIGINT')
    assert.equal(await program.ended, 1)
    assert.match(program.text, /got 3 SIGTERM\/SIGINTs/)
  })

  it('is asked for by docker closing the socket of the plugin', async () => {
    const name = `slipway-test-${process.pid}`
    const accepted = Promise.withResolvers<Socket>()
    const server = createServer(accepted.resolve).listen(`\0${name}`)
    try {
      const program = new Waiting({ DOCKER_CLI_PLUGIN_SOCKET: `@${name}` })
      await program.says('ready')
      const connection = await accepted.promise
      connection.end()
      await program.says('aborted')
      program.child.kill('SIGKILL')
      await program.ended
    } finally {
      server.close()
    }
  })
})

describe('./slipway', () => {
  it('runs from any place, through links, under the name it was called by', async () => {
    const { stdout } = await execFileAsync(join(root, 'slipway'), ['version'], { env, cwd: '/' })
    assert.match(stdout, /^github\.com\/docker\/buildx v/)
    const folder = mkdtempSync(join(tmpdir(), 'slipway-launch-'))
    try {
      const link = join(folder, 'docker-buildx')
      symlinkSync(join(root, 'slipway'), link)
      const help = await execFileAsync(link, ['version', '--help'], { env, cwd: folder })
      assert.match(help.stdout, /^Usage:\n {2}docker-buildx version$/m)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('runs what was built of the sources while none of them is newer', async () => {
    const clone = mkdtempSync(join(tmpdir(), 'slipway-launch-'))
    try {
      for (const folder of ['bin', 'dist', 'src/cli', 'node_modules'])
        mkdirSync(join(clone, folder), { recursive: true })
      for (const file of ['slipway', 'bin/launch.sh', 'package-lock.json'])
        copyFileSync(join(root, file), join(clone, file))
      const written = new Date('2026-01-01T00:00:00Z')
      const write = (file: string, text: string): void => {
        writeFileSync(join(clone, file), text)
        utimesSync(join(clone, file), written, written)
      }
      write('node_modules/.package-lock.json', '')
      write('package-lock.json', '')
      write('src/cli/main.ts', "console.log('sources')")
      write('dist/main.js', "console.log('built')")
      for (const folder of ['src/cli', 'src']) utimesSync(join(clone, folder), written, written)
      const runs = async (): Promise<string> =>
        (await execFileAsync(join(clone, 'slipway'), [], { env })).stdout.trim()

      assert.equal(await runs(), 'sources') // a build that was never finished
      writeFileSync(join(clone, 'dist/.built'), '')
      assert.equal(await runs(), 'built')
      writeFileSync(join(clone, 'src/other.ts'), '')
      const later = new Date(Date.now() + 1000)
      utimesSync(join(clone, 'src/other.ts'), later, later)
      assert.equal(await runs(), 'sources')
      utimesSync(join(clone, 'dist/.built'), later, later)
      assert.equal(await runs(), 'built')
      rmSync(join(clone, 'src/other.ts'))
      utimesSync(join(clone, 'src'), new Date(Date.now() + 2000), new Date(Date.now() + 2000))
      assert.equal(await runs(), 'sources')
    } finally {
      rmSync(clone, { recursive: true })
    }
  })

  it('writes everything into a pipe that is read slowly', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-launch-'))
    try {
      const targets = Array.from({ length: 4000 }, (_, i) => [`t${i}`, { tags: [`example.com/a/b:${i}`] }])
      const file = join(folder, 'docker-bake.json')
      writeFileSync(
        file,
        JSON.stringify({
          group: { default: { targets: targets.map(([name]) => name) } },
          target: Object.fromEntries(targets) as object,
        }),
      )
      const reader = spawn(
        'sh',
        ['-c', `'${root}/slipway' bake --print -f '${file}' | { sleep 0.5; cat; }`],
        { env },
      )
      const [printed] = await Promise.all([
        collectText(reader.stdout, { limit: 1 << 24 }),
        once(reader, 'exit'),
      ])
      const { target } = JSON.parse(printed) as { target: object }
      assert.equal(Object.keys(target).length, 4000)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('says that its output cannot be written, and nothing to a reader that has gone', async () => {
    const full = execFileAsync('sh', ['-c', `'${root}/slipway' version >/dev/full`], { env })
    await assert.rejects(full, { code: 1, stderr: 'ERROR: write /dev/stdout: no space left on device\n' })
    const gone = execFileAsync(
      'sh',
      ['-c', `{ sleep 0.2; '${root}/slipway' version; echo $? >&2; } | true`],
      { env },
    )
    assert.equal((await gone).stderr, '141\n')
  })

  it('says what is wrong with a call that never becomes a build, as such', async () => {
    const call = execFileAsync(join(root, 'slipway'), ['build', '-q', '--progress=plain', root], { env })
    await assert.rejects(call, { stderr: 'ERROR: progress=plain and quiet cannot be used together\n' })
    const policy = { ...env, EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: '/nothing.json' }
    const second = execFileAsync(join(root, 'slipway'), ['build', root], { env: policy })
    const message = 'ERROR: failed to read policy file: open /nothing.json: no such file or directory\n'
    await assert.rejects(second, { stderr: message })
  })

  it('answers docker without loading the command line', async () => {
    const { stdout } = await execFileAsync(join(root, 'slipway'), ['docker-cli-plugin-metadata'], {
      env: { ...env, NODE_DEBUG: '' },
    })
    assert.equal((JSON.parse(stdout) as { Vendor: string }).Vendor, 'Docker Inc.')
  })
})
