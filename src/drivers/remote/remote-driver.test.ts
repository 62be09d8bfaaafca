import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { SolveStatus } from '../../status/solve-status.ts'
import type { DockerContexts } from '../docker/docker-contexts.ts'
import type { DriverOptions } from '../driver-options.ts'
import { createRemoteDriver } from './remote-driver.ts'

const options = (endpoint: string): DriverOptions => ({
  nodeName: 'r0',
  endpoint,
  driverOpts: {},
  flags: [],
  files: {},
  platforms: [],
  contextKey: '',
  contexts: {} as DockerContexts,
  docker: () => {
    throw new Error('no docker here')
  },
  env: {},
  cwd: '/',
})

describe('a remote daemon that is waited for', () => {
  it('and does not come is told after the time, with the step that waited', async () => {
    const events: SolveStatus[] = []
    const driver = createRemoteDriver(options('unix:///nowhere/at/all.sock'), 200)
    const started = Date.now()
    await assert.rejects(
      driver.bootstrap(event => void events.push(event), new AbortController().signal),
      {
        code: 'unavailable',
        message:
          'failed to connect to unix:///nowhere/at/all.sock: dial unix /nowhere/at/all.sock: connect: no such file or directory',
      },
    )
    assert.ok(Date.now() - started >= 200, 'it may yet come')
    const last = events.at(-1)?.vertexes?.[0]
    assert.equal(last?.name, '[internal] waiting for connection')
    assert.match(last?.error ?? '', /no such file or directory/)
  })

  it('and accepts connections but never answers is given up', async () => {
    const dir = mkdtempSync('/tmp/remote-')
    const path = join(dir, 's.sock')
    const server = createServer(socket => void socket.on('error', () => {}))
    await new Promise<void>(resolve => server.listen(path, resolve))
    try {
      const driver = createRemoteDriver(options(`unix://${path}`), 200)
      await assert.rejects(
        driver.bootstrap(() => {}, new AbortController().signal),
        {
          code: 'deadline-exceeded',
          message: `failed to connect to unix://${path}: no answer within 0.2s`,
        },
      )
    } finally {
      server.close()
      await rm(dir, { recursive: true })
    }
  })

  it('is left alone when the command is cancelled', async () => {
    const cancel = new AbortController()
    const driver = createRemoteDriver(options('unix:///nowhere/at/all.sock'))
    const waiting = driver.bootstrap(() => {}, cancel.signal)
    cancel.abort()
    await assert.rejects(waiting)
  })
})
