import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { callCli } from '../../src/cli/testing/call-cli.ts'
import { lacks } from '../support/need.ts'
import { makeScratch } from '../support/scratch.ts'

const skip = lacks({ root: true })

it('metadata has names as they were given; tags take the place of names of outputs', { skip }, async () => {
  await using scratch = await makeScratch()
  const { dir } = scratch
  await writeFile(scratch.path('Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
  const env = { SLIPWAY_ROOT: scratch.path('state'), DOCKER_CONFIG: dir, BUILDX_BUILDER: 'slipway' }
  // Recorded from docker-buildx 0.36.1 with buildkitd 0.32.2.
  for (const [flags, name] of [
    [['-o', 'type=image'], undefined],
    [['-o', 'type=image,name=short'], 'short'],
    [['-t', 'me/x', '-t', 'y', '-o', 'type=image'], 'me/x,y'],
    [['-t', 'me/x', '-t', 'y', '-o', 'type=image,name=z'], 'me/x,y'],
    [['-t', 'y', '-o', 'type=oci,dest=o.tar'], 'docker.io/library/y:latest'],
  ] as const) {
    const args = ['build', '--metadata-file=md.json', ...flags, '.']
    const { code, stderr } = await callCli(args, { cwd: dir, env })
    assert.equal(code, 0, stderr)
    const metadata = JSON.parse(await readFile(scratch.path('md.json'), 'utf8')) as Record<string, unknown>
    assert.equal(metadata['image.name'], name)
  }
  const plain = await callCli(['build', '-t', 'y', '.'], { cwd: dir, env })
  assert.match(plain.stderr, /^The image is in the local store as docker\.io\/library\/y:latest$/m)
})
