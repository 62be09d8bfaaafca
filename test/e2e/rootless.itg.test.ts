import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { run } from '../../scripts/setup/run.ts'
import { startMirror } from '../support/mirror.ts'
import { lacks } from '../support/need.ts'
import { makeOrdinaryUser } from '../support/ordinary-user.ts'
import { startRegistry } from '../support/registry.ts'
import { makeScratch } from '../support/scratch.ts'
import { openSlipway } from '../support/slipway.ts'
import { pushedPlatforms } from '../support/third-party.ts'

const programs = ['runc', 'skopeo', 'newuidmap', 'setpriv', 'unshare']
const needs = { root: true, programs, registry: true, emulators: ['aarch64'] }

const dockerfile = `
FROM alpine:3.12
RUN mkdir /owned && echo mine > /owned/file && chown 1000:2000 /owned/file && chmod 4750 /owned/file
COPY --chown=65534:65533 Dockerfile /copied
RUN id -u > /id.txt && uname -m > /machine.txt
`

it('an ordinary user builds and pushes the same, with the ownership that the Dockerfile says', {
  skip: lacks(needs),
}, async () => {
  await using scratch = await makeScratch()
  await using mirror = await startMirror(scratch.dir, ['alpine'])
  await using registry = await startRegistry({ dir: scratch.path('r') })
  const { home, by, clone, node } = await makeOrdinaryUser(scratch.dir)
  const dir = `${home}/work`
  await mkdir(dir)
  const env = {
    SLIPWAY_NODE: node,
    HOME: home,
    XDG_DATA_HOME: `${home}/data`,
    XDG_CACHE_HOME: `${home}/cache`,
  }
  const slipway = await openSlipway({ dir, mirrors: [mirror.host], env, by, clone })
  await writeFile(`${dir}/Dockerfile`, dockerfile)
  await run(['chown', '-R', '--reference', home, home])

  const reference = `${registry.host}/rootless:1`
  const platforms = ['linux/amd64', 'linux/arm64']
  await slipway.run('build', `--platform=${platforms.join()}`, '-t', reference, '--push', dir)
  assert.deepEqual(await pushedPlatforms(reference), platforms)

  await slipway.run('build', '--platform=linux/arm64', '-o', `type=tar,dest=${dir}/out.tar`, dir)
  const list = await run(['tar', '--numeric-owner', '-tvf', `${dir}/out.tar`])
  assert.match(list, /^-rwsr-x--- 1000\/2000 .* owned\/file$/m)
  assert.match(list, /^-\S+ 65534\/65533 .* copied$/m)
  assert.match(list, /^-\S+ 0\/0 .* bin\/busybox$/m)
  assert.equal(await run(['tar', '-xOf', `${dir}/out.tar`, 'id.txt', 'machine.txt']), '0\naarch64\n')
})
