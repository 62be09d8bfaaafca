import { type Measured, median } from './measure.ts'

/** The runs of every contender in one scenario; the n-th runs of all were measured side by side. */
export interface Series {
  readonly scenario: string
  readonly runs: ReadonlyMap<string, Measured[]>
}

/** What stands around the table. */
export interface Setting {
  readonly machine: string
  readonly versions: readonly string[]
  /** The command that makes the page. */
  readonly command: string
}

/** A page in Markdown: median times and peak memory, and the median of the ratios of Slipway to each peer, round by round. */
export function comparisonTable(results: readonly Series[], setting: Setting): string {
  const names = [...(results[0]?.runs.keys() ?? [])]
  const peers = names.filter(name => name !== 'slipway')
  const head = [
    'scenario',
    ...names,
    ...peers.map(peer => `slipway : ${peer}`),
    ...names.map(name => `${name}, MiB`),
  ]
  const rows = results.map(({ scenario, runs }) => [
    scenario,
    ...names.map(name => seconds(median((runs.get(name) ?? []).map(({ ms }) => ms)))),
    ...peers.map(peer => ratio(runs.get('slipway') ?? [], runs.get(peer) ?? [])),
    ...names.map(name => mebibytes(Math.max(...(runs.get(name) ?? []).map(({ peak }) => peak)))),
  ])
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    '# Benchmarks',
    '',
    'Wall time in seconds (median), the median of the ratios within each round (below 1 Slipway is faster), and the peak of',
    'resident memory: the command, what it starts and the daemons that work for it, without what runs in containers.',
    '',
    line(head),
    line(head.map((_, index) => (index === 0 ? '---' : '--:'))),
    ...rows.map(line),
    '',
    `Made by \`${setting.command}\` on ${setting.machine}.`,
    ...setting.versions.map(version => `- ${version}`),
    '',
  ].join('\n')
}

function seconds(ms: number): string {
  return Number.isNaN(ms) ? '–' : (ms / 1000).toFixed(2)
}

function mebibytes(bytes: number): string {
  return Number.isFinite(bytes) ? String(Math.round(bytes / 2 ** 20)) : '–'
}

function ratio(own: readonly Measured[], other: readonly Measured[]): string {
  const ratios = own.flatMap(({ ms }, round) => {
    const peer = other[round]
    return peer === undefined ? [] : [ms / peer.ms]
  })
  return ratios.length === 0 ? '–' : median(ratios).toFixed(2)
}
