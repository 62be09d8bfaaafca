import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { type KubeApi, startKubeApi } from '../support/kube-api.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway, type SlipwayCommand } from '../support/slipway.ts'

// Builders in a cluster that is an API server of the tests' own; its pods are daemons on this machine.

describe('builders on Kubernetes', { skip: lacks({ root: true, programs: ['runc'] }) }, () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let context: string

  before(async () => {
    scratch = stack.use(await makeScratch())
    context = scratch.path('context')
    await mkdir(context)
    await writeFile(scratch.path('context', 'Dockerfile'), 'FROM scratch\nCOPY x /x\n')
    await writeFile(scratch.path('context', 'x'), 'x'.repeat(300_000))
  })
  after(() => stack.disposeAsync())

  async function client(kube: KubeApi): Promise<SlipwayCommand> {
    return await openSlipway({ dir: scratch.dir, env: { KUBECONFIG: kube.kubeconfig, BUILDX_BUILDER: '' } })
  }

  for (const protocol of ['v5.channel.k8s.io', 'v4.channel.k8s.io']) {
    it(`boot a deployment, build through exec (${protocol}), and go`, async () => {
      const name = `kube${protocol[1]}`
      await using kube = await startKubeApi({
        dir: scratch.path(name),
        protocols: [protocol],
        token: 'secret',
      })
      const slipway = await client(kube)
      await slipway.run(
        'create',
        '--name',
        name,
        '--driver=kubernetes',
        '--driver-opt=replicas=2,requests.cpu=100m',
      )
      assert.match((await slipway.try('ls')).stdout, new RegExp(`${name}0 .*inactive`))
      const booted = await slipway.try('inspect', '--bootstrap', name)
      assert.match(booted.stderr, /waiting for 2 pods to be ready, timeout: 2 minutes/)
      assert.equal(
        booted.stdout.match(new RegExp(`Name: +${name}0\\nEndpoint: +kubernetes:`, 'g'))?.length,
        2,
        booted.stdout,
      )
      for (let i = 0; i < 2; i++) {
        await slipway.run(
          'build',
          '--builder',
          name,
          '-o',
          `type=local,dest=${scratch.path('out', name)}`,
          context,
        )
      }
      assert.equal((await readFile(scratch.path('out', name, 'x'))).length, 300_000)
      assert.equal(new Set(kube.execs.slice(-2)).size, 1, 'builds of one project go to one pod')
      assert.ok(kube.requests.some(line => line.endsWith('deployments?watch')))
      await slipway.run('rm', name)
      assert.equal(kube.objects.size, 0)
    })
  }

  it('keep their state in a stateful set, with their configuration beside', async () => {
    await using kube = await startKubeApi({ dir: scratch.path('kubes') })
    const slipway = await client(kube)
    const config = scratch.path('buildkitd.toml')
    await writeFile(config, 'debug = true\n')
    const options = '--driver-opt=persistent-volume-claim.requests.storage=1Gi,loadbalance=random'
    await slipway.run(
      'create',
      '--name=kept',
      '--driver=kubernetes',
      `--buildkitd-config=${config}`,
      options,
      '--bootstrap',
    )
    assert.deepEqual([...kube.objects.keys()].sort(), ['configmaps/kept0-config', 'statefulsets/kept0'])
    await slipway.run('build', '--builder=kept', '-o', `type=local,dest=${scratch.path('kept')}`, context)
    await slipway.run('rm', 'kept')
    assert.equal(kube.objects.size, 0)
  })

  it('lend their pods to the remote driver, which goes through kubectl', {
    skip: lacks({ programs: ['kubectl'] }),
  }, async () => {
    await using kube = await startKubeApi({ dir: scratch.path('kubectl') })
    const slipway = await client(kube)
    await slipway.run('create', '--name=owner', '--driver=kubernetes', '--bootstrap')
    await slipway.run('inspect', 'owner')
    const pod = kube.execs.at(-1) ?? ''
    assert.match(pod, /^owner0-/)
    const addresses = [
      `kube-pod://${pod}`,
      `kube-pod://${pod}?context=x&namespace=builds&container=buildkitd`,
    ]
    for (const [i, address] of addresses.entries()) {
      const before = kube.execs.length
      await slipway.run('create', `--name=pod${i}`, '--driver=remote', address)
      const out = scratch.path(`out-pod${i}`)
      await slipway.run('build', `--builder=pod${i}`, '-o', `type=local,dest=${out}`, context)
      assert.equal((await readFile(`${out}/x`)).length, 300_000)
      assert.ok(kube.execs.length > before && kube.execs.every(name => name === pod))
    }
    await slipway.run('create', '--name=gone', '--driver=remote', 'kube-pod://gone')
    const failed = await slipway.try('du', '--builder=gone')
    assertOneError(
      failed,
      /command \[kubectl .* gone -- buildctl dial-stdio\] has exited with exit status 1: .*NotFound/,
    )
    assert.match(failed.stderr, /hint: run the command to see what it wants/)
  })

  it('say why their pods do not come up', async () => {
    await using kube = await startKubeApi({ dir: scratch.path('kubep'), stuck: 'ImagePullBackOff' })
    const slipway = await client(kube)
    await slipway.run('create', '--name=stuck', '--driver=kubernetes', '--driver-opt=timeout=2s')
    const failed = await slipway.try('build', '--builder=stuck', context)
    assertOneError(failed, /expected 1 replicas to be ready, got 0/)
    assert.match(failed.stderr, /ImagePullBackOff no such image/)
    const asked = kube.requests.filter(line => line.endsWith('/deployments/stuck0')).length
    assert.ok(asked < 10, `asked ${asked} times while nothing changed`)
    await slipway.run('rm', 'stuck')
  })

  it('tell a cluster that does not answer, refuses, or is not there', async () => {
    let kubeconfig: string
    {
      await using kube = await startKubeApi({ dir: scratch.path('kubex'), token: 'secret' })
      const slipway = await client(kube)
      kubeconfig = kube.kubeconfig
      await slipway.run('create', '--name=refused', '--driver=kubernetes')
      const text = await readFile(kubeconfig, 'utf8')
      await writeFile(kubeconfig, text.replace('secret', 'wrong'))
      assertOneError(await slipway.try('build', '--builder=refused', context), /Unauthorized/)
      await writeFile(kubeconfig, text)
    }
    const slipway = await openSlipway({
      dir: scratch.dir,
      env: { KUBECONFIG: kubeconfig, BUILDX_BUILDER: '' },
    })
    assertOneError(
      await slipway.try('build', '--builder=refused', context),
      /the Kubernetes API at http:.* does not answer/,
    )
    const nowhere = await openSlipway({
      dir: scratch.dir,
      env: { KUBECONFIG: '/nowhere', BUILDX_BUILDER: '' },
    })
    assertOneError(
      await nowhere.try('create', '--name=nowhere', '--driver=kubernetes'),
      /cannot determine Kubernetes namespace, specify manually: stat \/nowhere: no such file or directory/,
    )
    assertOneError(
      await nowhere.try('create', '--name=nope', '--driver=kubernetes', '--driver-opt=nope=1'),
      /invalid driver option nope for driver kubernetes/,
    )
  })
})
