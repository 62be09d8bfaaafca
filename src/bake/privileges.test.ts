import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BuildOptions, toBuildOptions } from './build-options.ts'
import { addGrants, type EntitlementGrants, noGrants, parseAllow } from './entitlements.ts'
import { privilegePrompt, privilegesRefused, type PromptSurroundings } from './privilege-prompt.ts'
import { missingPrivileges, type PrivilegeRequest } from './privilege-request.ts'
import { resolveTargets } from './resolve-targets.ts'
import type { Target } from './target.ts'
import { parseExportEntries } from './attrs/export-entry.ts'

/** A disk of folders, and links by the folder they lead to. */
const folders = new Set(['/', '/home/me', '/home/me/app', '/home/me/app/sub', '/etc', '/out'])
const links = new Map([['/home/me/app/link', '/etc']])

function evaluate(path: string): { existing: string; rest: string } {
  const absolute = path.startsWith('/') ? path : `/home/me/app/${path}`.replace(/\/\.$/, '')
  for (const [from, to] of links)
    if (absolute === from || absolute.startsWith(`${from}/`))
      return evaluate(to + absolute.slice(from.length))
  if (folders.has(absolute)) return { existing: absolute, rest: '' }
  const at = absolute.lastIndexOf('/')
  const parent = evaluate(absolute.slice(0, at) || '/')
  return {
    existing: parent.existing,
    rest: [parent.rest, absolute.slice(at + 1)].filter(p => p !== '').join('/'),
  }
}

function build(t: Partial<Target>): BuildOptions {
  const definition = { groups: [], variables: [], targets: [{ name: 'default', ...t }] }
  const target = resolveTargets(definition, []).targets.get('default') ?? assert.fail()
  return toBuildOptions(target, {
    remoteUrl: '',
    remoteHasFiles: false,
    workingDirectory: '/home/me/app',
    environmentNames: [],
    stdoutIsTerminal: false,
    localPlatform: { os: 'linux', architecture: 'amd64' },
    stat: () => undefined,
  })
}

function missing(t: Partial<Target>, ...allow: string[]): Partial<EntitlementGrants> {
  const granted = addGrants(parseAllow(allow), { read: ['/home/me/app'], write: ['/home/me/app'] })
  const request = missingPrivileges([build(t)], granted, { evaluate })
  return Object.fromEntries(
    Object.entries(request).filter(([k, v]) => JSON.stringify(v) !== JSON.stringify(noGrants[k as 'ssh'])),
  )
}

describe('privileges', () => {
  it('are not needed inside the working directory', () => {
    assert.deepEqual(missing({ context: 'sub', outputs: parseExportEntries(['sub/out']) }), {})
  })

  it('are needed for what a symbolic link leads to', () => {
    assert.deepEqual(missing({ context: 'link' }), { read: ['/etc'] })
    assert.deepEqual(missing({ context: 'link' }, 'fs.read=/etc'), {})
    assert.deepEqual(missing({ context: 'link' }, 'fs.write=/etc'), { read: ['/etc'] })
  })

  it('are needed for the nearest parent of an output that does not exist yet', () => {
    const outputs = parseExportEntries(['/out/a/b'])
    assert.deepEqual(missing({ outputs }), { write: ['/out'] })
    assert.deepEqual(missing({ outputs }, 'fs=*'), {})
  })

  it('are needed for the outermost of several folders only', () => {
    assert.deepEqual(
      missing({
        contexts: new Map([
          ['a', '/etc'],
          ['b', '/etc/x'],
        ]),
      }),
      { read: ['/etc'] },
    )
  })

  it('are needed to delete files, to use agents, devices and the network of the host', () => {
    assert.deepEqual(missing({ outputs: parseExportEntries(['type=local,dest=sub,mode=delete']) }), {
      localDelete: true,
    })
    assert.deepEqual(missing({ ssh: [{ id: 'default', paths: [] }] }), { ssh: true })
    assert.deepEqual(missing({ ssh: [{ id: 'default', paths: [] }] }, 'ssh'), {})
    assert.deepEqual(missing({ entitlements: ['device=a/b=c', 'network.host', 'security.insecure'] }), {
      devices: { all: false, names: ['a/b=c'] },
      networkHost: true,
      securityInsecure: true,
    })
    assert.deepEqual(missing({ entitlements: ['device=a/b=c'] }, 'device'), {})
  })

  it('are granted by known keys only', () => {
    assert.throws(() => parseAllow(['foo']), {
      code: 'invalid-argument',
      message: 'unknown entitlement key "foo"',
    })
    assert.deepEqual(parseAllow(['device=a', 'fs=/x']).devices.names, ['a'])
  })
})

describe('the question for privileges', () => {
  const request: PrivilegeRequest = {
    ...noGrants,
    networkHost: true,
    read: ['/etc', '/home/me/other', '/home/me/app/x'],
    write: ['/etc', '/'],
  }
  const around: PromptSurroundings = {
    terminal: true,
    workingDirectory: '/home/me/app',
    command: ['docker', 'buildx', 'bake', '--push', 'web'],
    isRemote: false,
    checkPaths: undefined,
    allowRemotePaths: undefined,
  }

  it('lists them with the flags that grant them and asks on a terminal', () => {
    const { text, question, granted, allow } = privilegePrompt(request, around)
    assert.equal(
      text,
      [
        'Your build is requesting privileges for following possibly insecure capabilities:',
        '',
        ' - Running build containers that can access host network',
        ' - Read and write access to path /etc',
        ' - Read access to path ../other',
        ' - Read access to path x',
        ' - Write access to path /',
        '',
        'In order to not see this message in the future pass "--allow=network.host --allow=fs=/etc --allow=fs.read=../other --allow=fs.read=x --allow=fs.write=/" to grant requested privileges.',
        '',
        'Your full command with requested privileges:',
        '',
        'docker buildx bake --allow=network.host --allow=fs=/etc --allow=fs.read=../other --allow=fs.read=x --allow=fs.write=/ --push web',
        '',
        'To disable filesystem entitlements checks, you can set BUILDX_BAKE_ENTITLEMENTS_FS=0 .',
        '',
        '',
      ].join('\n'),
    )
    assert.equal(question, 'Do you want to grant requested privileges and continue? [y/N] ')
    assert.equal(granted, false)
    assert.deepEqual(allow, ['network.host', 'fs=/etc', 'fs.read=../other', 'fs.read=x', 'fs.write=/'])
  })

  it('is not asked without a terminal', () => {
    assert.equal(privilegePrompt(request, { ...around, terminal: false }).question, undefined)
    assert.equal(privilegesRefused().code, 'permission-denied')
  })

  it('lets paths pass where their check is switched off, and nothing else', () => {
    const paths: PrivilegeRequest = { ...request, networkHost: false }
    assert.equal(privilegePrompt(paths, { ...around, checkPaths: '0' }).granted, true)
    assert.equal(privilegePrompt(request, { ...around, checkPaths: '0' }).granted, false)
    assert.equal(privilegePrompt(paths, { ...around, allowRemotePaths: '1' }).granted, false)
    assert.equal(privilegePrompt(paths, { ...around, isRemote: true, allowRemotePaths: '1' }).granted, true)
    assert.throws(() => privilegePrompt(paths, { ...around, checkPaths: 'x' }), {
      code: 'invalid-argument',
      message: /failed to parse BUILDX_BAKE_ENTITLEMENTS_FS value "x"/,
    })
  })

  it('is empty when nothing is needed', () => {
    assert.deepEqual(privilegePrompt(noGrants, around), {
      text: '',
      question: undefined,
      granted: true,
      allow: [],
    })
  })
})
