import assert from 'node:assert/strict'
import { it } from 'node:test'
import { marshal } from '../../llb/marshal.ts'
import { gitState } from './git-state.ts'

const platform = { os: 'linux', architecture: 'amd64' }

function graph(...args: Parameters<typeof gitState>): readonly Uint8Array[] {
  const state = gitState(...args) ?? assert.fail('no repository')
  return marshal(state.output, { platform, localUniqueId: '' }).def
}

it('`.git` is kept where the address or the caller wants it, as with BuildKit', () => {
  const url = 'https://host/r.git?ref=main'
  const kept = graph(`${url}&keep-git-dir=true`)
  assert.deepEqual(graph(url, true), kept)
  assert.deepEqual(graph(`${url}&keep-git-dir=false`, true), kept)
  assert.notDeepEqual(graph(`${url}&keep-git-dir=false`), kept)
})

it('an address of something else is no repository', () => {
  assert.equal(gitState('https://host/r.tar'), undefined)
})
