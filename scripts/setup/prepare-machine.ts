import { bundle } from './bundle.ts'
import { registerEmulators } from './emulators.ts'
import { makeStandIns } from './make-stand-in.ts'
import { installNpmPeer, npmPeers } from './npm-peers.ts'
import { peerSets, unpackPeers } from './peers.ts'
import { installPrograms, testPrograms } from './programs.ts'
import { standIns, type StandInName } from './stand-ins.ts'

/**
 * Brings what the tests with real programs need: packages, unpacked peers, handlers for foreign architectures and
 * stand-in images. What cannot be had here is said; the tests that need it skip themselves.
 */
export async function prepareMachine(say: (line: string) => void): Promise<void> {
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: Error) => say(`${what}: not possible here: ${error.message}`))
  }
  await attempt('packages', async () => {
    const { advice } = await installPrograms(testPrograms, say)
    if (advice !== '') say(`some tests will be skipped; to run them, ${advice}`)
  })
  await Promise.all([
    attempt('bundle', () => bundle(say)),
    attempt('emulators', () => registerEmulators(say)),
    attempt('stand-in images', () => makeStandIns(Object.keys(standIns) as StandInName[], say)),
    ...npmPeers.map(name => attempt(`peer ${name}`, () => installNpmPeer(name, say))),
    ...peerSets.map(set => attempt(`peer ${set.name}`, () => unpackPeers(set, say))),
  ])
}
