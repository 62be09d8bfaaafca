import { formatPlatform, normalizePlatform, type Platform } from '../oci/platform.ts'
import { onlyPlatform, strictPlatform } from '../oci/platform-match.ts'

/** A node as far as the choice goes. */
export interface Candidate {
  readonly name: string
  /** Platforms that the user fixed: the node is for these, whatever it says itself. */
  readonly fixed: readonly Platform[]
  /** What its worker says, native one first; undefined while it has not been asked. */
  readonly found: readonly Platform[] | undefined
}

/** Who builds a platform: indexes of the nodes that can, best first. */
export interface Choice {
  readonly platform: Platform
  readonly nodes: readonly number[]
}

/** How well a node suits a platform; smaller is better. */
const rank = { fixed: 0, native: 1, runs: 2, emulates: 3, mayEmulate: 4 } as const

/**
 * Orders the nodes for every platform: those that the user fixed for it, then those that have it natively, then those
 * that emulate it; of equals the earlier one. None where no node is able. Rows C31, K17, L9.
 */
export function choosePlatformNodes(
  nodes: readonly Candidate[],
  platforms: readonly Platform[],
): readonly Choice[] {
  return platforms.map(platform => {
    const ranked = nodes
      .map((node, index) => ({ index, rank: rankOf(node, platform) }))
      .filter(entry => entry.rank !== undefined)
      .toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || a.index - b.index)
    return { platform, nodes: ranked.map(entry => entry.index) }
  })
}

/**
 * Whether the fixed platforms alone decide: every platform is fixed on a node. Then no node but the chosen ones has to
 * run.
 */
export function fixedDecide(nodes: readonly Candidate[], platforms: readonly Platform[]): boolean {
  return platforms.every(platform => nodes.some(node => node.fixed.some(strictPlatform(platform).match)))
}

function rankOf(node: Candidate, platform: Platform): number | undefined {
  const wanted = normalizePlatform(platform)
  if (node.fixed.some(strictPlatform(wanted).match)) return rank.fixed
  const [native, ...others] = node.found ?? []
  if (native === undefined)
    return node.fixed.some(own => onlyPlatform(own).match(wanted)) ? rank.runs : undefined
  if (strictPlatform(native).match(wanted)) return rank.native
  if (onlyPlatform(native).match(wanted)) return rank.runs
  if (others.some(strictPlatform(wanted).match)) return rank.emulates
  if ([...others, ...node.fixed].some(own => onlyPlatform(own).match(wanted))) return rank.mayEmulate
  return undefined
}

/** What to tell of a platform that no node has, and that is built on `chosen` all the same: programs for it may not run. */
export function noNodeWarning(nodes: readonly Candidate[], platform: Platform, chosen: string): string {
  const text = formatPlatform(platform)
  const have = nodes.map(node => {
    const all = [...node.fixed, ...(node.found ?? [])].map(p => formatPlatform(normalizePlatform(p)))
    return `${node.name} (${all.length === 0 ? 'not reachable' : [...new Set(all)].join(', ')})`
  })
  return (
    `${text} is neither native to nor emulated by ${have.join(', ')}: it is built on ${chosen}, where RUN may fail. ` +
    `Register an emulator (\`slipway binfmt --install ${platform.architecture}\` there), add a node that has it, ` +
    `or say where it belongs: \`create --append --node NAME --platform ${text}\``
  )
}

/** Platforms of one node, in the order they were asked for. */
export interface Assignment {
  readonly node: number
  readonly platforms: readonly Platform[]
}

/** Puts platforms of the same node together. */
export function groupChoices(
  choices: readonly { readonly platform: Platform; readonly node: number }[],
): readonly Assignment[] {
  const groups = Map.groupBy(choices, choice => choice.node)
  return [...groups].map(([node, group]) => ({ node, platforms: group.map(choice => choice.platform) }))
}
