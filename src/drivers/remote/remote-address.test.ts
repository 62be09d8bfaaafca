import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { carrierCommand, checkRemoteAddress, openRemote } from './remote-address.ts'

const words = (address: string): string => {
  const carrier = carrierCommand(address)
  return carrier === undefined ? '' : [carrier.command, ...carrier.args].join(' ')
}

describe('addresses of daemons', () => {
  it('that need a program are called as BuildKit calls them', () => {
    const cases: readonly [string, string][] = [
      ['ssh://me@box:22/run/x.sock', 'ssh -l me -p 22 -- box buildctl --addr unix:///run/x.sock dial-stdio'],
      ['ssh://box', 'ssh -- box buildctl dial-stdio'],
      ['ssh://box/a%20b', "ssh -- box buildctl --addr 'unix:///a b' dial-stdio"],
      ["ssh://box/$(id)'", String.raw`ssh -- box buildctl --addr 'unix:///$(id)'\''' dial-stdio`],
      ['docker-container://Name_1', 'docker exec -i Name_1 buildctl dial-stdio'],
      ['docker-container://n?context=far', 'docker --context=far exec -i n buildctl dial-stdio'],
      [
        'kube-pod://p-0?context=c&namespace=n&container=k',
        'kubectl --context=c --namespace=n exec --container=k -i p-0 -- buildctl dial-stdio',
      ],
      ['unix:///x', ''],
      ['tcp://h:1', ''],
    ]
    for (const [address, expected] of cases) assert.equal(words(address), expected, address)
  })

  it('that no connection can be made to are told so', async () => {
    await assert.rejects(openRemote('tcp://127.0.0.1:99999', undefined, {}, new AbortController().signal), {
      code: 'invalid-argument',
      message: 'dial tcp: address 99999: invalid port',
    })
    assert.throws(() => checkRemoteAddress('docker-container://a b'), {
      message:
        'failed to parse endpoint docker-container://a b: parse "docker-container://a b": invalid character " " in host name',
    })
  })

  it('that are hostile never become flags or other commands', () => {
    assert.throws(() => carrierCommand('ssh://me:secret@box'), {
      message: 'plain-text password is not supported',
    })
    assert.throws(() => carrierCommand('ssh://box?x=1'), { message: 'extra query after the host: "x=1"' })
    for (const address of [
      'docker-container://-v',
      'docker-container://',
      'kube-pod://A$B',
      'kube-pod://p?namespace=;x',
    ]) {
      assert.throws(() => carrierCommand(address), { code: 'invalid-argument' }, address)
    }
    for (const [address, scheme] of [
      ['http://x', 'http'],
      ['x', ''],
      ['', ''],
    ] as const) {
      assert.throws(() => checkRemoteAddress(address), { message: `unrecognized url scheme ${scheme}` })
    }
  })
})
