/** What a command line left behind. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Where a command line ran: what of its output is only true there. */
export interface Place {
  readonly dir: string
  readonly url: string
  /** How the program calls itself in its messages. */
  readonly program: string
}

/** What can be compared of a build on any machine: no times, no random names, no bytes of the base image. */
export interface Answer {
  readonly code: number
  readonly stdout?: unknown
  /** Standard error without the progress: warnings and the error with its excerpt. */
  readonly message?: readonly string[]
  /** Steps by name, with what they printed, in order of names. */
  readonly steps?: Readonly<Record<string, readonly string[]>>
}

interface Step {
  readonly name: string
  readonly lines: Set<string>
}

/** The comparable part of an outcome. */
export function answerOf(outcome: Outcome, place: Place): Answer {
  const clean = (text: string): string => cleaned(text, place)
  const steps = new Map<string, Step>()
  const rest: string[] = []
  for (const line of outcome.stderr.replaceAll('\r', '').split('\n')) {
    const [, number = '', text = ''] = /^#(\d+) ?(.*)$/.exec(line) ?? []
    if (isEvents(line)) addEvents(steps, JSON.parse(line) as Events, clean)
    else if (number === '') {
      if (!isOwn(line)) rest.push(clean(line).replace(/^\d+\.\d{3} (?:\/bin\/sh: )?/, ''))
    } else {
      const step = steps.get(number)
      if (step !== undefined) addLine(step, clean(text))
      else
        steps.set(number, {
          name: clean(text).replace(/^\[(?:stage-0)?\s*\d+\/\d+\] FROM/, 'FROM'),
          lines: new Set(),
        })
    }
  }
  const message = withoutRepeats(sortedWarnings(rest.filter(line => line.trim() !== '')))
  const shown = [...steps.values()].filter(step => isShared(step.name))
  return {
    code: outcome.code,
    ...(outcome.stdout === '' ? {} : { stdout: readable(outcome.stdout, clean) }),
    ...(message.length === 0 ? {} : { message }),
    ...(shown.length === 0
      ? {}
      : { steps: Object.fromEntries(shown.map(stepEntry).sort(([a], [b]) => (a < b ? -1 : 1))) }),
  }
}

const stepEntry = ({ name, lines }: Step): [string, string[]] => [
  name,
  [...lines].filter(line => !isUnfinished(line) && !lines.has(`${line} done`)).sort(),
]

/** A count on its way: whether it is shown is a matter of time. */
const isUnfinished = (line: string): boolean => /^(?:transferring|copying files)(?!.*\d\w+ done$)/.test(line)

/** An answer without what is in each build: for cases of many small ones. */
export function briefAnswer(answer: Answer): Answer {
  const steps = Object.entries(answer.steps ?? {}).filter(
    ([name]) => !/^(?:\[internal\]|FROM|exporting)/.test(name),
  )
  const { steps: _, ...others } = answer
  return steps.length === 0 ? others : { ...others, steps: Object.fromEntries(steps) }
}

/** An answer without the lines of the Dockerfile that go before an error. */
export function withoutExcerpt(answer: Answer): Answer {
  const { message = [], ...others } = answer
  const kept = message.filter(line => !/^(?:\S+:\d+$|-+$| +\d+ \|)/.test(line))
  return kept.length === 0 ? others : { ...others, message: kept }
}

/** An answer without what steps print. */
export function withoutLogs(answer: Answer): Answer {
  const { message = [], steps = {}, ...others } = answer
  const kept = message.filter((_, at) => !isLog(message, at))
  const quiet = Object.entries(steps).map(([name, lines]) => [name, lines.filter(line => !/^\| /.test(line))])
  return {
    ...others,
    ...(kept.length === 0 ? {} : { message: kept }),
    ...(quiet.length === 0 ? {} : { steps: Object.fromEntries(quiet) as NonNullable<Answer['steps']> }),
  }
}

/** Whether a line stands below the heading of a failed step. */
function isLog(message: readonly string[], at: number): boolean {
  const rule = message.lastIndexOf('------', at)
  return rule >= 0 && rule < at && (message[rule + 1] ?? '').startsWith(' > ') && at > rule + 1
}

/** Lines of logs are marked with `| `. Of the rest, what depends on the moment and on earlier builds is left out. */
function addLine(step: Step, text: string): void {
  const line = text.replace(/^\d+\.\d+ /, '| ')
  if (line.startsWith('| ')) step.lines.add(line)
  else if (
    !/^(?:$|DONE|CACHED|CANCELED|\.\.\.|resolve |extracting |merging|sha256:|WARN: )/.test(line) &&
    !line.endsWith(step.name)
  ) {
    step.lines.add(line.replace(/ …( done)?$/, '$1').replace(/ \d+\.\d\dMB \/ .*/, ''))
  }
}

interface Events {
  readonly vertexes?: readonly { digest: string; name: string; error?: string }[]
  readonly statuses?: readonly { vertex: string; id: string; name?: string; completed?: string }[]
  readonly logs?: readonly { vertex: string; data: string }[]
  readonly warnings?: readonly { vertex: string; short: string; url?: string }[]
}

const isEvents = (line: string): boolean => /^\{"(?:vertexes|statuses|logs|warnings)"/.test(line)

function addEvents(steps: Map<string, Step>, events: Events, clean: (text: string) => string): void {
  const stepOf = (digest: string): Step => steps.get(digest) ?? { name: '', lines: new Set() }
  for (const { digest, name, error } of events.vertexes ?? []) {
    if (!steps.has(digest)) steps.set(digest, { name: clean(name), lines: new Set() })
    if (error !== undefined && error !== '') stepOf(digest).lines.add(`ERROR: ${clean(error)}`)
  }
  for (const { vertex, id, completed } of events.statuses ?? []) {
    if (completed !== undefined) addLine(stepOf(vertex), clean(id))
  }
  for (const { vertex, data } of events.logs ?? []) {
    for (const line of Buffer.from(data, 'base64').toString().split('\n')) {
      if (line !== '') stepOf(vertex).lines.add(`| ${clean(line)}`)
    }
  }
  for (const { vertex, short, url } of events.warnings ?? []) {
    stepOf(vertex).lines.add(`warned: ${clean(Buffer.from(short, 'base64').toString())} ${url ?? ''}`)
  }
}

/** Text of the output line by line; JSON as what it says. */
function readable(text: string, clean: (text: string) => string): unknown {
  if (!text.startsWith('{')) return clean(text).split('\n')
  try {
    return scrubbed(JSON.parse(text), clean)
  } catch {
    return ['(JSON)']
  }
}

/** A JSON document without ids, times of now, definitions and digests. */
export function scrubbed(value: unknown, clean: (text: string) => string, key = ''): unknown {
  if (Array.isArray(value)) return value.map(one => scrubbed(one, clean))
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(
      entries
        .filter(([name]) => !hiddenKeys.has(name))
        .map(([name, one]) => [clean(name), scrubbed(one, clean, name)]),
    )
  }
  if (typeof value !== 'string') return key === 'size' ? '…' : value
  return idKeys.has(key) ? '…' : clean(value).replaceAll(/\b20(?:2[4-9]|[3-9]\d)-\d\d-\d\dT[\d:.]+Z/g, 'now')
}

/** What LLB looks like in detail is no promise. */
const hiddenKeys = new Set(['definition', 'llbDefinition', 'digestMapping', 'builderPlatform'])
const idKeys = new Set(['buildx.build.ref', 'invocationId', 'buildInvocationID', 'buildInvocationId'])

/** A text without digests, random names, times and what is only true of the place. */
export function cleaned(text: string, place: Place): string {
  return text
    .replaceAll(place.url, '{url}')
    .replaceAll(encodeURIComponent(place.url), '{url}')
    .replaceAll(place.url.replace(/^http:\/\/([^/]+).*/, '$1'), '{host}')
    .replaceAll(place.dir, '')
    .replaceAll(/\S+\/cachemounts\/buildkit\d+(?=\/)/g, '')
    .replaceAll(/(?<=')\/[^\s']+\/snapshots\/\d+\/fs\//g, '')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replaceAll(/(?<=lint violation found for rules: )[A-Za-z, ]+/g, names =>
      names.split(', ').sort().join(', '),
    )
    .replaceAll(/ref [0-9a-z]{25}::[0-9a-z]{25}/g, 'ref …')
    .replaceAll(/\b\d+\.\d+s\b/g, '…')
    .replaceAll(new RegExp(`\\b${place.program}\\b`, 'g'), '{program}')
    .replaceAll('\r', '')
}

/** Lines that only one of the two programs prints: hints, notes about outputs, noise of libraries. */
const isOwn = (line: string): boolean =>
  /^hint: |http2: server(?: connection error|: error reading preface)|^WARNING: No output/.test(line)

/** Steps of transfers, and of looking for a policy in an archive, are shown in ways of their own. */
const isShared = (name: string): boolean => name !== '' && !ownSteps.test(name)

const ownSteps =
  /^(?:building with|resolving provenance|importing|copy \/context \/$|\[auth\]|Verifying|\.\.\.)/

/** The real one sometimes shows an excerpt twice in a row. */
function withoutRepeats(lines: readonly string[]): readonly string[] {
  for (let size = 3; size < 12; size++) {
    for (let at = 0; at + 2 * size <= lines.length; at++) {
      const [once, again] = [lines.slice(at, at + size), lines.slice(at + size, at + 2 * size)]
      if (/^\S+:\d+$/.test(once[0] ?? '') && once.join('\n') === again.join('\n'))
        return lines.toSpliced(at, size)
    }
  }
  return lines
}

/** The real one prints its warnings in no order. */
function sortedWarnings(lines: readonly string[]): string[] {
  const isWarning = (line: string): boolean => /^(?:\x1b\[0m)? - /.test(line)
  const plain = lines.map(line => line.replaceAll(/\x1b\[\d*m/g, ''))
  const warnings = plain.filter(isWarning).sort()
  return plain.map(line => (isWarning(line) ? (warnings.shift() ?? '') : line))
}
