import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { commandDuplex } from './command-duplex.ts'

const env = { PATH: process.env['PATH'] ?? '' }

describe('a program as a stream', () => {
  it('carries bytes both ways, until it ends', async () => {
    const duplex = commandDuplex('cat', [], { env })
    duplex.end('there and back')
    let text = ''
    for await (const chunk of duplex) text += String(chunk)
    assert.equal(text, 'there and back')
  })

  it('fails with the last words of the program, also where its pipe broke first', async () => {
    // Its standard input is closed for a while before it ends.
    const duplex = commandDuplex('sh', ['-c', 'exec 0<&-; sleep 0.1; echo no way >&2; exit 3'], { env })
    const failed = once(duplex, 'error') as Promise<[Error]>
    const writing = setInterval(() => duplex.write('x'), 5)
    const [error] = await failed
    clearInterval(writing)
    assert.match(error.message, /^command \[sh -c .*\] has exited with exit status 3: no way$/)
  })

  it('is told where there is no such program', async () => {
    const duplex = commandDuplex('no-such-program-here', [], { env })
    const [error] = (await once(duplex, 'error')) as [Error]
    assert.match(error.message, /no-such-program-here/)
  })
})
