import assert from 'node:assert/strict'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { run, tryRun } from '../../scripts/setup/run.ts'
import { type Buildkitd, lacksBuildkitd, startBuildkitd } from '../support/buildkitd.ts'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { addProgram } from '../support/program-files.ts'
import { startRegistry } from '../support/registry.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

// The frontend of examples/frontend as an image that Slipway builds, run for `# syntax=` by Slipway and by BuildKit; and
// frontends that misbehave.

const root = join(import.meta.dirname, '..', '..')
const skip = lacks({ root: true, registry: true, programs: ['runc', 'skopeo'] })

describe('frontend images', { skip }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let slipway: SlipwayCommand
  let registry: string
  let mirror: string

  before(async () => {
    scratch = stack.use(await makeScratch())
    mirror = stack.use(await startMirror(scratch.dir, ['alpine'])).host
    registry = stack.use(await startRegistry({ dir: scratch.path('registry') })).host
    slipway = await openSlipway({ dir: scratch.dir, mirrors: [mirror] })
    const image = scratch.path('image')
    await mkdir(image)
    await cp(join(root, 'examples', 'frontend', 'Dockerfile'), join(image, 'Dockerfile'))
    await run([process.execPath, join(root, 'examples', 'frontend', 'bundle.ts'), image])
    // What stands for the image of Node: the one that runs here.
    await addProgram(scratch.path('node'), process.execPath, '/usr/local/bin/node')
    await mkdir(scratch.path('node', 'etc'), { recursive: true })
    await writeFile(scratch.path('node', 'etc', 'passwd'), 'root:x:0:0:root:/:/bin/sh\n')
    const node = `--build-context=node:26-alpine=${scratch.path('node')}`
    const output = `type=image,name=${registry}/recipe:1,push=true,compression=uncompressed`
    await slipway.run('build', node, '-o', output, image)
  })
  after(() => stack.disposeAsync())

  let contexts = 0
  async function context(recipe: string): Promise<string> {
    const dir = scratch.path(`c${contexts++}`)
    await mkdir(dir)
    await writeFile(join(dir, 'Dockerfile'), recipe)
    await writeFile(join(dir, 'settings.json'), '{}\n')
    return dir
  }
  const syntax = (): string => `# syntax=${registry}/recipe:1\n`
  const whole = `base alpine:3.20
env GREETING=hello world
run echo "$GREETING" > /hello
add settings.json /etc/app/settings.json
Write /motd made from a recipe
cmd cat /hello
`

  async function checkFiles(dir: string): Promise<void> {
    const read = (name: string): Promise<string> => readFile(join(dir, name), 'utf8')
    assert.equal(await read('hello'), 'hello world\n')
    assert.equal(await read('etc/app/settings.json'), '{}\n')
    assert.equal(await read('motd'), 'made from a recipe\n')
    assert.equal(await read('etc/alpine-release'), '3.20.0\n')
  }

  it('builds a file of a format of its own, and its warnings come through', async () => {
    const out = scratch.path('out')
    const output = await slipway.run('build', '--progress=plain', '-o', out, await context(syntax() + whole))
    await checkFiles(out)
    assert.match(output, /^#\d+ docker-image:\/\/.*\/recipe:1@sha256:[0-9a-f]{64}$/m)
    assert.match(output, /^#\d+ \[recipe\] run echo "\$GREETING" > \/hello$/m)
    assert.match(output, /1 warning found[^]*verbs are in lower case: Write/)
    const records = await slipway.run('du', '--verbose', '--filter', 'type=frontend')
    assert.match(records, /^Description:\s+pulled from \S+\/recipe:1@sha256:[0-9a-f]{64}$/m)
    assert.match(
      await slipway.run('du', '--verbose'),
      /^Description:\s+mount \/ from exec \/bin\/sh -c echo /m,
    )
  })

  it('makes an image with a configuration of several platforms', async () => {
    const recipe = `${syntax()}base alpine:3.20\nenv A=b\nadd settings.json /settings.json\ncmd cat /settings.json\n`
    const tag = `${registry}/made:1`
    const platforms = '--platform=linux/amd64,linux/arm64'
    await slipway.run('build', platforms, '-t', tag, '--push', await context(recipe))
    for (const arch of ['amd64', 'arm64']) {
      const flags = ['--tls-verify=false', `--override-arch=${arch}`, '--config']
      const config = JSON.parse(await run(['skopeo', 'inspect', ...flags, `docker://${tag}`]))
      assert.equal(config.architecture, arch)
      assert.ok(config.config.Env.includes('A=b'))
      assert.deepEqual(config.config.Cmd, ['/bin/sh', '-c', 'cat /settings.json'])
    }
  })

  it('is chosen by a build argument, and by a digest', async () => {
    const flags = ['inspect', '--tls-verify=false', '--format={{.Digest}}']
    const digest = (await run(['skopeo', ...flags, `docker://${registry}/recipe:1`])).trim()
    const named = `${registry}/recipe@${digest}`
    for (const [i, words] of [
      [`--build-arg=BUILDKIT_SYNTAX=${registry}/recipe:1`, await context(whole)],
      [await context(`# syntax=${named}\n${whole}`)],
    ].entries()) {
      await slipway.run('build', '-o', scratch.path(`chosen${i}`), ...words)
      await checkFiles(scratch.path(`chosen${i}`))
    }
    const wrong = named.replace(/.{8}$/, '00000000')
    const missing = await slipway.try('build', await context(`# syntax=${wrong}\n${whole}`))
    assertOneError(missing, /not found/)
  })

  it('fails in its own words, with the line of its own format', async () => {
    const failed = await slipway.try('build', await context(`${syntax()}base alpine:3.20\n\nfly away\n`))
    assertOneError(failed, /^ERROR: failed to build: failed to solve: unknown verb fly$/)
    assert.match(failed.stderr, /^ {3}4 \| >>> fly away$/m)
    const asked = await slipway.try('build', '--call=outline', await context(syntax() + whole))
    assertOneError(asked, /recipes answer no frontend\.outline|unsupported|not supported/)
  })

  it('is run by BuildKit too', { skip: lacksBuildkitd() }, async () => {
    await using real: Buildkitd = await startBuildkitd({ dir: scratch.path('real'), mirrors: [mirror] })
    await slipway.run('create', '--name=real', '--driver=remote', real.address)
    const out = scratch.path('real-out')
    const output = await slipway.run(
      ...['build', '--builder=real', '--progress=plain', '-o', out],
      await context(syntax() + whole),
    )
    await checkFiles(out)
    assert.match(output, /verbs are in lower case: Write/)
  })

  /** An image that runs a line of shell in place of a frontend, and a build that asks for it. */
  async function misbehaving(name: string, line: string, connected = false): Promise<string> {
    const tag = `${registry}/bad:${name}`
    const entry = JSON.stringify(['/bin/sh', '-c', line])
    const label = `LABEL moby.buildkit.frontend.network.none=${!connected}`
    const image = await context(`FROM alpine:3.20\n${label}\nENTRYPOINT ${entry}\n`)
    await slipway.run('build', '-t', tag, '--push', image)
    return await context(`# syntax=${tag}\nFROM scratch\n`)
  }

  it('that crashes, ends too early or talks nonsense fails the build at the line that asks for it', async () => {
    const cases: readonly (readonly [name: string, line: string, error: RegExp, hint?: RegExp])[] = [
      ['crash', 'echo it is broken >&2; exit 3', /exit code: 3$/, /it is broken/],
      ['early', 'exit 0', /no result for incomplete build$/],
      ['nonsense', 'echo no HTTP at all; exec sleep 1000', /frontend grpc server closed unexpectedly$/],
      ['flood', 'exec cat /dev/zero', /frontend grpc server closed unexpectedly$/],
    ]
    for (const [name, line, error, hint] of cases) {
      const failed = await slipway.try('build', await misbehaving(name, line))
      assertOneError(failed, error)
      assert.match(failed.stderr, /^ {3}1 \| >>> # syntax=.*\/bad:/m, name)
      if (hint !== undefined) assert.match(failed.stderr, hint)
    }
  })

  it('that never answers is ended with the build', async () => {
    const dir = await misbehaving('silent', 'exec sleep 4711')
    const command = [...slipway.command, 'build', '--progress=plain', dir]
    const wait = 'for i in $(seq 150); do pgrep -xf "sleep 4711" >&2 && break; sleep 0.2; done'
    const script = `"$@" & pid=$!; ${wait}; kill -INT $pid; wait $pid`
    // A shell starts background jobs with SIGINT ignored, unless it controls jobs.
    const ended = await tryRun(['bash', '-mc', script, 'sh', ...command], { env: slipway.env })
    assert.notEqual(ended.code, 0)
    assert.match(ended.stderr, /^\d+$/m, 'it has run')
    assert.match(ended.stderr, /ERROR: .*canceled/i)
    assert.equal((await tryRun(['pgrep', '-xf', 'sleep 4711'])).stdout, '')
  })

  it('sees no credentials, no network that it has renounced, and nothing of the machine', async () => {
    const look =
      'env; cat /proc/net/dev /proc/mounts; ls /root /home /work 2>&1; cat /root/.docker/config.json'
    const dir = await misbehaving('look', `(${look}) >&2; exit 1`)
    const auths = { [registry]: { auth: Buffer.from('user:credential-canary').toString('base64') } }
    await writeFile(scratch.path('docker', 'config.json'), JSON.stringify({ auths }))
    const secret = ['--secret', 'id=token,env=CANARY', '--build-arg', 'NAME=value']
    const env = { ...slipway.env, CANARY: 'secret-canary', GITHUB_TOKEN: 'token-canary' }
    const failed = await tryRun([...slipway.command, 'build', ...secret, dir], { env })
    await writeFile(scratch.path('docker', 'config.json'), '{}')
    assertOneError(failed, /exit code: 1$/)
    const seen = failed.stderr
    assert.match(seen, /BUILDKIT_FRONTEND_OPT_\d+=build-arg:NAME=value/)
    assert.doesNotMatch(seen, /canary/)
    assert.doesNotMatch(seen, /^hint.*eth\d|^\s*(eth|en|wl)\w+:/m)
    assert.doesNotMatch(seen, new RegExp(scratch.dir))
  })

  it('has no other network than a proxy, where that is what steps have', async () => {
    const dir = await misbehaving('watched', '(env; cat /proc/net/dev) >&2; exit 1', true)
    const config = scratch.path('watched.toml')
    await writeFile(config, `proxyNetwork = true\n${await readFile(scratch.path('buildkitd.toml'), 'utf8')}`)
    const env = { ...slipway.env, SLIPWAY_CONFIG: config }
    const seen = (await tryRun([...slipway.command, 'build', dir], { env })).stderr
    assert.match(seen, /^\s*HTTPS_PROXY=http:\/\/127\.0\.0\.1:\d+$/m)
    assert.doesNotMatch(seen, /^\s*(eth|en|wl)\w+:/m)
  })
})
