import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { noDockerRegistry, startDockerRegistry } from '../../registry/testing/docker-registry.ts'
import { callCli, type CliOutcome } from '../testing/call-cli.ts'

const skip = process.getuid?.() === 0 ? false : 'the engine needs root here'

/** A project in an empty directory, with an engine of its own. */
class Project implements AsyncDisposable {
  readonly home: string
  readonly folder: string

  private constructor(home: string) {
    this.home = home
    this.folder = join(home, 'project')
  }

  static async make(definition: string): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), 'slipway-bake-')))
    await mkdir(project.folder)
    await writeFile(join(project.folder, 'docker-bake.hcl'), definition)
    await writeFile(join(project.folder, 'file'), 'text\n')
    return project
  }

  async bake(...args: readonly string[]): Promise<CliOutcome> {
    const { home } = this
    const env = {
      HOME: home,
      BUILDX_CONFIG: join(home, 'buildx'),
      DOCKER_CONFIG: home,
      SLIPWAY_ROOT: join(home, 'root'),
      BUILDX_METADATA_WARNINGS: '1',
    }
    return await callCli(['bake', '--progress', 'plain', ...args], { cwd: this.folder, env })
  }

  async read(path: string): Promise<string> {
    return await readFile(join(this.folder, path), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.home, { recursive: true, force: true, maxRetries: 10 })
  }
}

const linked = `
group "default" { targets = ["app", "variant"] }
target "base" {
  dockerfile-inline = "FROM scratch\\nCOPY file /base\\nENV FROM_BASE=1"
}
target "app" {
  contexts = { base = "target:base" }
  dockerfile-inline = "FROM base\\nCOPY file /app"
  output = ["type=local,dest=out/app"]
}
target "variant" {
  name = "variant-\${v}"
  matrix = { v = ["one", "two"] }
  contexts = { base = "target:base" }
  dockerfile-inline = "FROM scratch\\nCOPY --from=base /base /\${v}"
  output = ["type=local,dest=out/\${v}"]
}
`

describe('bake', { skip }, () => {
  it('builds targets together, those used by others once, and names steps after their targets', async () => {
    await using project = await Project.make(linked)
    const done = await project.bake('--metadata-file', 'metadata.json')
    assert.equal(done.code, 0, done.stderr)
    for (const path of ['app/base', 'app/app', 'one/one', 'two/two'])
      assert.equal(await project.read(join('out', path)), 'text\n')
    assert.match(done.stderr, /\[variant-one internal\] load build definition/)
    assert.match(done.stderr, /\[app\] exporting to client directory/)
    // A step that several targets wait for may be shown again under its number.
    const steps = done.stderr.matchAll(/^#(\d+) \[.*COPY file \/base$/gm)
    assert.equal(new Set([...steps].map(([, number]) => number)).size, 1)
    const metadata = JSON.parse(await project.read('metadata.json')) as Record<
      string,
      Record<string, unknown>
    >
    assert.deepEqual(Object.keys(metadata), ['app', 'base', 'variant-one', 'variant-two'])
    assert.match(String(metadata['app']?.['buildx.build.ref']), /^default\/default\/[0-9a-z]{25}$/)
  })

  it('puts warnings and what calls answer into the metadata file', async () => {
    const file =
      'target "default" {\n  dockerfile-inline = "FROM scratch AS Big"\n  output = ["type=cacheonly"]\n}\n'
    await using project = await Project.make(file)
    const answerOf = async (...words: readonly string[]): Promise<unknown> => {
      await project.bake('--metadata-file', 'm.json', ...words)
      return JSON.parse(await project.read('m.json'))
    }
    const { 'buildx.build.warnings': warnings } = (await answerOf()) as Record<string, { level: number }[]>
    assert.equal(warnings?.length, 1)
    const call = (await answerOf('--call', 'check')) as { default: Record<string, { warnings: object[] }> }
    assert.deepEqual(Object.keys(call), ['default'])
    assert.equal(call.default['result.json']?.warnings.length, 1)
    assert.equal(call.default['buildx.build.ref'], undefined)
  })

  it('builds one target without a prefix, with its values overridden', async () => {
    await using project = await Project.make(linked)
    const done = await project.bake('base', '--set', 'base.output=type=local,dest=elsewhere')
    assert.equal(done.code, 0, done.stderr)
    assert.equal(await project.read('elsewhere/base'), 'text\n')
    assert.match(done.stderr, /\[internal\] load build definition/)
  })

  it('stops all targets when one fails, and says which', async () => {
    await using project = await Project.make(
      `${linked}target "bad" {\n  contexts = { base = "target:base" }\n  dockerfile-inline = "FROM base\\nCOPY missing /"\n}\n`,
    )
    const done = await project.bake('app', 'bad')
    assert.equal(done.code, 1)
    assert.match(done.stderr, /^ERROR: target bad: failed to solve: .*"\/missing": not found$/m)
    assert.doesNotMatch(done.stderr, /\n {4}at /)
  })

  it('asks for privileges that were not granted before anything is built', async () => {
    await using project = await Project.make(
      'target "default" {\n  context = ".."\n  output = ["type=cacheonly"]\n}\n',
    )
    const refused = await project.bake()
    assert.equal(refused.code, 1)
    assert.match(
      refused.stderr,
      /\n - Read access to path \.\.\n\nPass "--allow=fs\.read=\.\." to grant requested privileges\.\n/,
    )
    assert.match(refused.stderr, /\nslipway bake --allow=fs\.read=\.\. --progress plain\n/)
    assert.match(refused.stderr, /ERROR: additional privileges requested\n$/)
    await writeFile(join(project.home, 'Dockerfile'), 'FROM scratch\nCOPY project/file /\n')
    const granted = await project.bake('--allow', 'fs.read=..')
    assert.equal(granted.code, 0, granted.stderr)
  })

  it('checks targets instead of building them, and ends with the status of the check', async () => {
    await using project = await Project.make(
      'target "default" {\n  description = "the app"\n  dockerfile-inline = "from scratch\\nCOPY file /"\n  output = ["type=local,dest=out"]\n}\n',
    )
    const checked = await project.bake('--check')
    assert.equal(checked.code, 1)
    assert.match(checked.stdout, /^default\nthe app\n\n[^]*WARNING: ConsistentInstructionCasing/)
    assert.equal(existsSync(join(project.folder, 'out')), false)
    const json = await project.bake('--call', 'check,format=json')
    const answer = JSON.parse(json.stdout) as {
      target: { default: { build: { context: string }; check: { warnings: unknown[] } } }
    }
    assert.equal(answer.target.default.build.context, '.')
    assert.equal(answer.target.default.check.warnings.length, 1)
  })

  it('checks every target though what one is linked to is checked, too', async () => {
    await using project = await Project.make(linked)
    const checked = await project.bake('--check', 'app', 'base')
    assert.equal(checked.code, 1)
    assert.match(checked.stdout, /^app\n\nerror: unsupported context source target for base\n/)
    assert.match(checked.stdout, /\nbase\n\nCheck complete, no warnings found\.\n/)
  })

  it('pushes every target to a registry', { skip: noDockerRegistry }, async () => {
    await using registry = await startDockerRegistry()
    await using project = await Project.make(linked)
    const tag = (name: string): string[] => [
      '--set',
      `${name}.tags=${registry.host}/me/${name}:1`,
      '--set',
      `${name}.output=type=image`,
    ]
    const done = await project.bake('app', 'variant-one', '--push', ...tag('app'), ...tag('variant-one'))
    assert.equal(done.code, 0, done.stderr)
    for (const name of ['app', 'variant-one']) {
      const accept = { accept: 'application/vnd.oci.image.index.v1+json' }
      const found = await fetch(`http://${registry.host}/v2/me/${name}/manifests/1`, { headers: accept })
      assert.equal(found.status, 200, name)
      await found.body?.cancel()
    }
  })
})
