import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { V1Pod } from '@kubernetes/client-node'
import { choosePod } from './choose-pod.ts'
import { kubeOptions } from './kube-options.ts'
import { makeManifest, type ManifestInput } from './manifest.ts'

const input: ManifestInput = { name: 'b0', flags: ['--debug'], files: {}, platforms: [] }

describe('options of a kubernetes node', () => {
  it('become the objects that buildx makes', () => {
    const options = kubeOptions({
      replicas: '3',
      'requests.cpu': '500m',
      'requests.ephemeral-storage': '10Gi',
      'limits.memory': '2Gi',
      nodeselector: '"kubernetes.io/arch=arm64,disk=ssd"',
      tolerations: 'key=a,operator=Equal,value=b,effect=NoSchedule;key=c,operator=Exists,tolerationSeconds=5',
      annotations: 'x/y=z',
      labels: 'team=build',
      serviceaccount: 'robot',
      schedulername: 'mine',
      'qemu.install': 'true',
      'env.HTTP_PROXY': 'http://p',
      'buildkit-root-volume-memory': '1Gi',
    })
    const files = { 'buildkitd.toml': Buffer.from('debug = true'), 'certs/r/ca.pem': Buffer.from('pem') }
    const { workload, configMaps, labels } = makeManifest(
      { ...input, files, platforms: [{ os: 'linux', architecture: 'arm64' }] },
      options,
    )
    assert.equal(workload.kind, 'Deployment')
    assert.deepEqual(labels, { app: 'b0', team: 'build' })
    const { metadata, spec } = workload.object
    assert.deepEqual(metadata?.annotations, { 'buildx.docker.com/platform': 'linux/arm64', 'x/y': 'z' })
    assert.equal(spec?.replicas, 3)
    const pod = spec?.template.spec
    assert.deepEqual(pod?.nodeSelector, { 'kubernetes.io/arch': 'arm64', disk: 'ssd' })
    assert.deepEqual(pod?.tolerations, [
      { key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' },
      { key: 'c', operator: 'Exists', tolerationSeconds: 5 },
    ])
    assert.deepEqual([pod?.serviceAccountName, pod?.schedulerName], ['robot', 'mine'])
    assert.deepEqual(pod?.initContainers?.[0]?.args, ['--install', 'all'])
    const container = pod?.containers[0]
    assert.deepEqual(container?.resources, {
      requests: { cpu: '500m' },
      limits: { memory: '2Gi', 'ephemeral-storage': '10Gi' },
    })
    assert.deepEqual(container?.args, ['--debug'])
    assert.deepEqual(container?.env, [{ name: 'HTTP_PROXY', value: 'http://p' }])
    assert.equal(container?.securityContext?.privileged, true)
    assert.deepEqual(container?.readinessProbe?.exec?.command, ['buildctl', 'debug', 'workers'])
    assert.deepEqual(container?.volumeMounts, [
      { name: 'config', mountPath: '/etc/buildkit' },
      { name: 'config-1', mountPath: '/etc/buildkit/certs/r' },
      { name: 'buildkit-memory', mountPath: '/var/lib/buildkit' },
    ])
    assert.deepEqual(
      configMaps.map(map => [map.metadata?.name, map.data]),
      [
        ['b0-config', { 'buildkitd.toml': 'debug = true' }],
        ['b0-config-1', { 'ca.pem': 'pem' }],
      ],
    )
  })

  it('make a StatefulSet where state is kept, and run without privileges where asked', () => {
    const options = kubeOptions({ 'persistent-volume-claim.requests.storage': '5Gi', rootless: 'true' })
    const { workload } = makeManifest(input, options)
    assert.equal(workload.kind, 'StatefulSet')
    const { spec } = workload.object
    assert.equal(workload.kind === 'StatefulSet' && workload.object.spec?.podManagementPolicy, 'Parallel')
    const pod = spec?.template.spec
    assert.equal(pod?.containers[0]?.image, 'moby/buildkit:buildx-stable-1-rootless')
    assert.deepEqual(pod?.containers[0]?.args, ['--debug', '--oci-worker-no-process-sandbox'])
    assert.deepEqual(pod?.containers[0]?.securityContext, { seccompProfile: { type: 'Unconfined' } })
    assert.deepEqual(pod?.containers[0]?.volumeMounts, [
      { name: 'buildkitd', mountPath: '/home/user/.local/share/buildkit' },
    ])
    assert.deepEqual(pod?.volumes, [{ name: 'buildkitd', emptyDir: {} }])
  })

  it('are refused in the words of buildx', () => {
    const cases: readonly [Record<string, string>, string][] = [
      [{ nope: '1' }, 'invalid driver option nope for driver kubernetes'],
      [{ loadbalance: 'x' }, 'invalid loadbalance "x"'],
      [{ 'env.': 'x' }, 'invalid env option "env.", expecting env.FOO=bar'],
      [{ nodeselector: 'a' }, 'cannot parse node selector: invalid key-value pair: a'],
      [{ tolerations: 'foo=bar' }, 'invalid tolaration "foo=bar"'],
      [{ timeout: 'x' }, 'cannot parse timeout: time: invalid duration "x"'],
      [{ rootless: 'maybe' }, 'strconv.ParseBool: parsing "maybe": invalid syntax'],
    ]
    for (const [values, message] of cases) assert.throws(() => kubeOptions(values), { message })
    assert.throws(() => makeManifest(input, kubeOptions({ annotations: 'buildx.docker.com/platform=x' })), {
      message: 'the annotation "buildx.docker.com/platform" is reserved and cannot be customized',
    })
    assert.throws(() => makeManifest(input, kubeOptions({ labels: 'app=x' })), {
      message: 'the label "app" is reserved and cannot be customized',
    })
  })
})

describe('the pod of a build', () => {
  const pod = (name: string, phase = 'Running'): V1Pod => ({ metadata: { name }, status: { phase } })
  const pods = ['a', 'b', 'c', 'd'].map(name => pod(name))
  const chosen = (from: readonly V1Pod[], key: string): string => choosePod(from, key).metadata?.name ?? ''

  it('stays the same for a project, and only the projects of a pod that goes move', () => {
    const keys = Array.from({ length: 40 }, (_, i) => `/project${i}`)
    const before = keys.map(key => chosen(pods, key))
    assert.deepEqual(
      keys.map(key => chosen(pods.toReversed(), key)),
      before,
    )
    assert.ok(new Set(before).size > 1)
    const fewer = pods.filter(one => one.metadata?.name !== 'b')
    for (const [i, key] of keys.entries()) if (before[i] !== 'b') assert.equal(chosen(fewer, key), before[i])
  })

  it('is the one that buildx chooses', () => {
    const replicas = ['abcde', 'fghij', 'klmno', 'pqrst'].map(suffix => pod(`b0-5d4f8c7b9-${suffix}`))
    const known: Readonly<Record<string, string>> = {
      '': 'klmno',
      '/': 'klmno',
      '/home/me/project': 'fghij',
      '/src/a': 'klmno',
      '/src/c': 'fghij',
      '/home/zoë/app': 'abcde',
      'https:/github.com/moby/buildkit.git': 'abcde',
    }
    for (const [key, suffix] of Object.entries(known)) {
      assert.equal(chosen(replicas, key), `b0-5d4f8c7b9-${suffix}`, key)
    }
  })

  it('is one that runs', () => {
    assert.equal(chosen([pod('x', 'Pending'), pod('y')], 'k'), 'y')
    assert.throws(() => choosePod([pod('x', 'Pending')], undefined), {
      message: 'no running buildkit pods found',
    })
  })
})
