import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { callCli, type CliOutcome } from '../../src/cli/testing/call-cli.ts'
import { type RunResult, tryRun } from '../../scripts/setup/run.ts'
import { makeCertificates, serverTls } from '../support/certificates.ts'
import { type KubeApi, startKubeApi } from '../support/kube-api.ts'
import { lacks } from '../support/need.ts'
import { assertOneError } from '../support/one-error.ts'
import { makeScratch, type Scratch } from '../support/scratch.ts'
import { openSlipway } from '../support/slipway.ts'

// How a cluster is found and who one is there; the cluster is an API server of the tests' own.

describe('access to a cluster', () => {
  const stack = new AsyncDisposableStack()
  let scratch: Scratch
  let kube: KubeApi

  before(async () => {
    scratch = stack.use(await makeScratch())
    kube = stack.use(await startKubeApi({ dir: scratch.path('kube'), idle: true, token: 'secret' }))
  })
  after(() => stack.disposeAsync())

  const call = (env: Readonly<Record<string, string>>, ...args: string[]): Promise<CliOutcome> =>
    callCli(args, {
      cwd: scratch.dir,
      env: {
        HOME: scratch.path('home'),
        DOCKER_CONFIG: scratch.path('docker'),
        SLIPWAY_ROOT: scratch.path('root'),
        ...env,
      },
    })
  const create = (name: string, ...more: string[]): string[] => [
    ...['create', '--name', name, '--driver=kubernetes', '--bootstrap'],
    ...more,
  ]

  /** Writes a kubeconfig with one user; further contexts may stand beside the current one. */
  async function config(name: string, user: object, more: object = {}): Promise<string> {
    const path = scratch.path(`${name}.config`)
    const text = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'c', cluster: { server: kube.address } },
        { name: 'nowhere', cluster: { server: 'http://127.0.0.1:9' } },
      ],
      users: [{ name: 'u', user }],
      contexts: [
        { name: 'other', context: { cluster: 'nowhere', user: 'u' } },
        { name: 'x', context: { cluster: 'c', user: 'u', namespace: 'builds' } },
      ],
      'current-context': 'x',
      ...more,
    }
    await writeFile(path, JSON.stringify(text))
    return path
  }

  async function boots(
    name: string,
    env: Readonly<Record<string, string>>,
    ...more: string[]
  ): Promise<void> {
    const made = await call(env, ...create(name, ...more))
    assert.equal(made.code, 0, made.stderr)
    assert.ok(kube.objects.has(`deployments/${name}0`), name)
  }

  it('is that of KUBECONFIG, or of the file in the home folder', async () => {
    await boots('named', { KUBECONFIG: kube.kubeconfig })
    await mkdir(scratch.path('home', '.kube'), { recursive: true })
    await writeFile(scratch.path('home', '.kube', 'config'), await readFile(kube.kubeconfig))
    await boots('home', {})
    await boots('several', { KUBECONFIG: `/nowhere/config:${kube.kubeconfig}` })
  })

  it('stays that of the builder when the variable says something else later', async () => {
    await boots('kept', { KUBECONFIG: kube.kubeconfig })
    const gone = await call({ KUBECONFIG: '/nowhere' }, 'rm', 'kept')
    assert.equal(gone.code, 0, gone.stderr)
    assert.ok(!kube.objects.has('deployments/kept0'))
  })

  it('goes by the current context, and by a namespace that is chosen', async () => {
    const user = { token: 'secret' }
    await boots('context', { KUBECONFIG: await config('context', user) })
    const contexts = [{ name: 'x', context: { cluster: 'c', user: 'u' } }]
    const path = await config('no-namespace', user, { contexts })
    assertOneError(
      await call({ KUBECONFIG: path }, ...create('lost')),
      /could not find the requested resource/,
    )
    await boots('chosen', { KUBECONFIG: path }, '--driver-opt=namespace=builds')
  })

  it('is that of a token, of a file with one, or of a program that gives one', async () => {
    const file = scratch.path('token')
    await writeFile(file, 'secret\n')
    await boots('by-file', { KUBECONFIG: await config('by-file', { tokenFile: file }) })
    const script = scratch.path('login.sh')
    await writeFile(
      script,
      `#!/bin/sh\necho "$1 $ROLE" >> ${scratch.path('login.log')}\necho '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"secret"}}'\n`,
      { mode: 0o755 },
    )
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: script,
      args: ['login'],
      env: [{ name: 'ROLE', value: 'builder' }],
      interactiveMode: 'Never',
    }
    await boots('by-program', { KUBECONFIG: await config('by-program', { exec }) })
    assert.match(await readFile(scratch.path('login.log'), 'utf8'), /^login builder$/m)
    const failing = { ...exec, command: '/nowhere/login' }
    const failed = await call(
      { KUBECONFIG: await config('failing', { exec: failing }) },
      ...create('failing'),
    )
    assertOneError(failed, /login/)
    assertOneError(
      await call({ KUBECONFIG: await config('wrong', { token: 'wrong' }) }, ...create('wrong')),
      /Unauthorized/,
    )
  })

  it('is given up where the server accepts and never answers', async () => {
    const sockets = new Set<Socket>()
    const server = createServer(socket => void sockets.add(socket))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    // The client of this process waits on for minutes; a command ends with its process.
    stack.defer(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    const { port } = server.address() as AddressInfo
    const clusters = [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }]
    const env = { KUBECONFIG: await config('silent', {}, { clusters }) }
    assertOneError(
      await call(env, ...create('silent', '--driver-opt=timeout=300ms', '--timeout=300ms')),
      /the Kubernetes API at http:\S+ does not answer: no answer in time/,
    )
    assert.equal((await call(env, 'ls', '--timeout=300ms')).code, 0)
  })

  it('over TLS trusts the CA of the configuration alone', {
    skip: lacks({ programs: ['openssl'] }),
  }, async () => {
    const certificates = await makeCertificates(scratch.dir)
    const tls = await serverTls(certificates)
    await using secure = await startKubeApi({ dir: scratch.path('tls'), idle: true, tls })
    const made = await call({ KUBECONFIG: secure.kubeconfig }, ...create('secure'))
    assert.equal(made.code, 0, made.stderr)
    assert.ok(secure.objects.has('deployments/secure0'))
    const text = await readFile(secure.kubeconfig, 'utf8')
    const other = (await readFile(certificates.pem('other'))).toString('base64')
    const wrong = scratch.path('wrong-ca.config')
    await writeFile(wrong, text.replace(tls.ca.toString('base64'), other))
    assertOneError(await call({ KUBECONFIG: wrong }, ...create('insecure')), /does not answer: .*certificate/)
  })

  it('from within a pod is that of its account', {
    skip: lacks({ root: true, programs: ['openssl', 'unshare'] }),
  }, async () => {
    const certificates = await makeCertificates(scratch.dir)
    const tls = await serverTls(certificates)
    await using inside = await startKubeApi({ dir: scratch.path('in'), idle: true, token: 'secret', tls })
    const account = scratch.path('account')
    await mkdir(account)
    await writeFile(scratch.path('account', 'token'), 'secret')
    await writeFile(scratch.path('account', 'namespace'), 'builds\n')
    await writeFile(scratch.path('account', 'ca.crt'), tls.ca)
    const place = '/var/run/secrets/kubernetes.io/serviceaccount'
    const script = `mount -t tmpfs tmpfs /var/run && mkdir -p ${place} && mount --bind "$0" ${place} && exec "$@"`
    const { hostname, port } = new URL(inside.address)
    const slipway = await openSlipway({
      dir: scratch.path('pod'),
      by: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, account],
      env: {
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: port,
        KUBECONFIG: '',
        HOME: scratch.path('pod'),
        BUILDX_BUILDER: '',
      },
    })
    const made: RunResult = await slipway.try(...create('podded'))
    assert.equal(made.code, 0, made.stderr)
    assert.ok(inside.objects.has('deployments/podded0'))
    assert.equal((await tryRun(['sh', '-c', `ls ${place}`])).code === 0, false, 'nothing of it stays')
  })
})
