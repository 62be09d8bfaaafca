import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateRoot } from './embedded.ts'
import type { Host } from './host.ts'

test('The state directory is absolute, whatever the environment says.', () => {
  const root = (uid: number, env: Record<string, string>): string =>
    stateRoot({ cwd: '/there', uid, env } as never as Host)
  assert.equal(root(0, { SLIPWAY_ROOT: 'state/x' }), '/there/state/x')
  assert.equal(root(0, { SLIPWAY_ROOT: '/x' }), '/x')
  assert.equal(root(0, {}), '/var/lib/slipway')
  assert.equal(root(7, { HOME: '/h' }), '/h/.local/share/slipway')
  assert.equal(root(7, { XDG_DATA_HOME: '/d', SLIPWAY_ROOT: '' }), '/d/slipway')
})
