import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readTar } from '../../tar/read-tar.ts'
import { configArchive } from './config-archive.ts'
import { containerOptions } from './container-options.ts'
import { githubContext } from './github-context.ts'

describe('options of a builder in a container', () => {
  it('are read as docker reads such values', () => {
    const options = containerOptions({
      image: 'x/y:1',
      memory: '1g',
      'memory-swap': '-1',
      'cpu-quota': '50000',
      'cpuset-cpus': '0-1',
      'restart-policy': 'on-failure:3',
      'env.A': 'b=c',
      'default-load': 'true',
      'provenance-add-gha': 'false',
    })
    assert.deepEqual(options, {
      image: 'x/y:1',
      memory: 2 ** 30,
      memorySwap: -1,
      cpuQuota: 50_000,
      cpusetCpus: '0-1',
      restartPolicy: { name: 'on-failure', maximumRetryCount: 3 },
      env: ['A=b=c'],
      defaultLoad: true,
      provenanceAddGha: false,
      allowUntrustedImage: false,
    })
  })

  it('are refused in the words of buildx', () => {
    const cases: readonly [Record<string, string>, string | RegExp][] = [
      [{ x: '1' }, 'invalid driver option x for docker-container driver'],
      [{ toString: '1' }, 'invalid driver option toString for docker-container driver'],
      [{ 'env.': '1' }, 'invalid env option "env.", expecting env.FOO=bar'],
      [{ 'cpu-quota': 'x' }, 'strconv.ParseInt: parsing "x": invalid syntax'],
      [{ 'default-load': 'x' }, 'strconv.ParseBool: parsing "x": invalid syntax'],
      [{ 'restart-policy': 'a:b' }, /maximum retry count must be an integer/],
      [{ memory: 'lots' }, /invalid size/],
    ]
    for (const [values, message] of cases) assert.throws(() => containerOptions(values), { message })
  })
})

describe('configuration for a container', () => {
  it('is a tar with folders before their files', async () => {
    const archive = configArchive('buildkit', {
      'certs/r/ca.pem': Buffer.from('pem'),
      'buildkitd.toml': Buffer.from('x = 1'),
    })
    const names: string[] = []
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield archive
    }
    for await (const { entry } of readTar(bytes()))
      names.push(`${entry.name} ${entry.mode.toString(8)} ${entry.size}`)
    assert.deepEqual(names, [
      'buildkit/ 755 0',
      'buildkit/certs/ 755 0',
      'buildkit/certs/r/ 755 0',
      'buildkit/buildkitd.toml 644 5',
      'buildkit/certs/r/ca.pem 644 3',
    ])
  })

  it('never leaves its folder', () => {
    for (const path of ['../x', '/x', 'a//b', 'a/../b', '', 'a\\b', './x']) {
      assert.throws(() => configArchive('buildkit', { [path]: Buffer.alloc(0) }), {
        message: /^invalid config file path/,
      })
    }
    assert.throws(() => configArchive('buildkit', { a: Buffer.alloc(0), 'a/b': Buffer.alloc(0) }), {
      message: /conflicts with directory/,
    })
  })
})

describe('the context of a GitHub job', () => {
  it('is there only inside one, and names no secret', () => {
    assert.equal(githubContext({}), undefined)
    assert.equal(githubContext({ GITHUB_ACTIONS: 'true' }), undefined)
    assert.throws(
      () =>
        githubContext({ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'push', GITHUB_EVENT_PATH: '/nowhere' }),
      {
        message: /failed to read GITHUB_EVENT_PATH "\/nowhere"/,
      },
    )
  })
})
