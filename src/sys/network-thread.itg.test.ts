import assert from 'node:assert/strict'
import { createServer, connect, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { lacks } from '../../test/support/need.ts'
import { errnoOf } from './errno-error.ts'
import { NetworkThread } from './network-thread.ts'
import { ipv6Bytes, socketAddress } from './socket-address.ts'

describe('a network namespace with a thread in it', { skip: lacks({ root: true }) }, () => {
  it('has servers of this thread, which only its own clients reach', async () => {
    await using inside = new NetworkThread()
    const server = createServer(socket => socket.end('inside')).listen({
      fd: await inside.bind('127.0.0.1', 7),
    })
    await once(server, 'listening')
    const socket = await inside.connect('127.0.0.1', 7)
    assert.equal(await text(socket), 'inside')
    const outside = connect(7, '127.0.0.1')
    await assert.rejects(once(outside, 'connect'))
    server.close()
  })

  it('does not reach servers outside', async () => {
    await using inside = new NetworkThread()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const failsWith = (code: string) => (error: unknown) => errnoOf(error) === code
    await assert.rejects(inside.connect('127.0.0.1', port), failsWith('ECONNREFUSED'))
    await assert.rejects(inside.connect('::1', port), failsWith('ECONNREFUSED'))
    await assert.rejects(inside.connect('192.0.2.1', port), { message: /network is unreachable/ })
    server.close()
  })

  it('can be one that is there already, and ends with the thread', async () => {
    const first = new NetworkThread()
    await using second = new NetworkThread(await first.namespace())
    const server = createServer(socket => socket.end('x')).listen({ fd: await first.bind('127.0.0.1', 7) })
    await once(server, 'listening')
    assert.equal(await text(await second.connect('127.0.0.1', 7)), 'x')
    server.close()
    const path = await first.namespace()
    await first[Symbol.asyncDispose]()
    await using late = new NetworkThread(path)
    await assert.rejects(late.bind('127.0.0.1', 7), { message: /no such file/ })
  })
})

describe('addresses of sockets', () => {
  it('hold address and port in the order of the network', () => {
    assert.equal(socketAddress('192.0.2.1', 258).subarray(2, 8).toString('hex'), '0102c0000201')
    assert.equal(socketAddress('::1', 258).subarray(2, 4).toString('hex'), '0102')
    for (const [address, bytes] of [
      ['::', '0'.repeat(32)],
      ['2001:db8::1', `20010db8${'0'.repeat(23)}1`],
      ['fe80::1:2%eth0', `fe80${'0'.repeat(20)}00010002`],
      ['::ffff:192.0.2.1', `${'0'.repeat(20)}ffffc0000201`],
      ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ] as const)
      assert.equal(ipv6Bytes(address).toString('hex'), bytes)
  })
})
