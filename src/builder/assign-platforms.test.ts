import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatPlatform, parsePlatform } from '../oci/platform.ts'
import { type Candidate, choosePlatformNodes, groupChoices, noNodeWarning } from './assign-platforms.ts'

const platform = (text: string): ReturnType<typeof parsePlatform> =>
  parsePlatform(text, { architecture: 'amd64', os: 'linux' })
const platforms = (text: string): ReturnType<typeof parsePlatform>[] =>
  text === '' ? [] : text.split(' ').map(platform)

function node(name: string, found: string | undefined, fixed = ''): Candidate {
  return { name, fixed: platforms(fixed), found: found === undefined ? undefined : platforms(found) }
}

function assigned(nodes: readonly Candidate[], wanted: string): string {
  const choices = choosePlatformNodes(nodes, platforms(wanted))
  return groupChoices(choices.map(({ platform, nodes: [node = -1] }) => ({ platform, node })))
    .map(({ node: i, platforms: list }) => `${nodes[i]?.name}: ${list.map(formatPlatform).join(' ')}`)
    .join('; ')
}

describe('the choice of nodes', () => {
  it('prefers the native node to one that emulates, whatever the order', () => {
    const nodes = [
      node('x86', 'linux/amd64 linux/arm64 linux/s390x'),
      node('arm', 'linux/arm64 linux/arm/v7'),
    ]
    assert.equal(assigned(nodes, 'linux/amd64 linux/arm64'), 'x86: linux/amd64; arm: linux/arm64')
    assert.equal(
      assigned(nodes, 'linux/s390x linux/arm64 linux/amd64'),
      'x86: linux/s390x linux/amd64; arm: linux/arm64',
    )
  })

  it('takes what a node runs without emulation before what another emulates', () => {
    const nodes = [node('x86', 'linux/amd64 linux/arm/v7'), node('arm', 'linux/arm64')]
    assert.equal(assigned(nodes, 'linux/arm/v7'), 'arm: linux/arm/v7')
    assert.equal(assigned(nodes, 'linux/386'), 'x86: linux/386')
  })

  it('follows what the user fixed before anything else', () => {
    const nodes = [node('a', 'linux/amd64 linux/arm64'), node('b', 'linux/amd64 linux/arm64', 'linux/amd64')]
    assert.equal(assigned(nodes, 'linux/amd64 linux/arm64'), 'b: linux/amd64; a: linux/arm64')
  })

  it('takes the earlier of equal nodes, and names the others as substitutes', () => {
    const nodes = [node('a', 'linux/amd64'), node('b', 'linux/amd64'), node('c', 'linux/arm64 linux/amd64')]
    assert.deepEqual(
      choosePlatformNodes(nodes, platforms('linux/amd64')).map(choice => choice.nodes),
      [[0, 1, 2]],
    )
  })

  it('finds nobody for a platform that no node has, and tells so, naming all', () => {
    const nodes = [node('a', 'linux/amd64'), node('b', 'linux/386')]
    const [wanted] = platforms('linux/riscv64')
    assert.deepEqual(choosePlatformNodes(nodes, platforms('linux/riscv64'))[0]?.nodes, [])
    assert.match(
      wanted === undefined ? '' : noNodeWarning(nodes, wanted, 'a'),
      /^linux\/riscv64 is neither native to nor emulated by a \(linux\/amd64\), b \(linux\/386\): it is built on a, /,
    )
  })
})
