import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, lutimesSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** One build of the corpus: its files and its command lines. */
export interface Case {
  readonly name: string
  /** `oci`: an uncompressed, reproducible OCI archive; `lines`, `files`, `local`, `raw`, `cmd`: see `commandLines`. */
  readonly mode: string
  /** Words of the command line, as a shell would split them. */
  readonly args: string
  /** What of the answers is left out, as it differs on purpose: `excerpts`, `logs`. */
  readonly without: readonly string[]
  /** Lines for bash, run in the context. */
  readonly setup: readonly string[]
  /** `NAME=value`, or `-NAME` to have it unset. */
  readonly env: readonly string[]
  /** File of the context that is given as standard input. */
  readonly stdin?: string
  readonly files: readonly (readonly [path: string, text: string])[]
  /** Decides about the times of the files, so that no build takes another's for its own. */
  readonly text: string
}

/** A case as it lies in a folder. */
export interface LaidOut {
  readonly context: string
  /** Where the files of the context are served: what `{url}` means in the case. */
  readonly url: string
  readonly stdin: Buffer
}

/**
 * Reads the cases of a `.txt` file. A case begins with `#### name`; then lines `! words`, `$ set-up`, `@ variable`, `% mode`,
 * `< standard input`, `~ what differs on purpose`; then the Dockerfile; then further files, each behind `-- path --`.
 */
export function readCases(file: string): readonly Case[] {
  const parts = readFileSync(file, 'utf8')
    .split(/^#### /m)
    .slice(1)
  return parts.map(part => {
    const [first = '', ...lines] = part.split('\n')
    const head = lines.findIndex(line => !/^[!$@%<~] /.test(line))
    const marked = (mark: string): string[] =>
      lines.slice(0, head).flatMap(line => (line.startsWith(`${mark} `) ? [line.slice(2)] : []))
    const files: [string, string][] = [['Dockerfile', '']]
    for (const line of lines.slice(head)) {
      const path = /^-- (\S+) --$/.exec(line)?.[1]
      if (path !== undefined) files.push([path, ''])
      else files[files.length - 1]![1] += `${line}\n`
    }
    const [stdin] = marked('<')
    return {
      name: `${basename(file, '.txt')}/${first.trim()}`,
      mode: marked('%')[0] ?? 'oci',
      args: marked('!').join(' '),
      setup: marked('$'),
      env: marked('@'),
      without: marked('~'),
      ...(stdin === undefined ? {} : { stdin }),
      files: files.map(([path, text]) => [path, text.replace(/\n\n+$/, '\n')]),
      text: part,
    }
  })
}

/** All cases of the corpus, by the file that they stand in. */
export function readCorpus(): ReadonlyMap<string, readonly Case[]> {
  const names = readdirSync(import.meta.dirname).filter(name => name.endsWith('.txt'))
  return new Map(
    names.sort().map(name => [basename(name, '.txt'), readCases(join(import.meta.dirname, name))]),
  )
}

/**
 * Makes the context of a case in `dir`, and a folder for its results beside it. `host` is the address of a server of the folder
 * that `dir` lies in. Throws where a program of the set-up is missing.
 */
export function layOut(one: Case, dir: string, host: string): LaidOut {
  const context = join(dir, `c.${one.name.replace('/', '.')}`)
  const url = `http://${host}/${basename(dir)}/${basename(context)}`
  mkdirSync(join(dir, 'out'), { recursive: true })
  mkdirSync(context, { recursive: true })
  for (const [path, text] of filesOf(one)) {
    if (text.trim() === '%none') continue
    mkdirSync(dirname(join(context, path)), { recursive: true })
    writeFileSync(join(context, path), text.replaceAll('{url}', url))
  }
  if (one.setup.length > 0) {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: dir, url, ...gitVariables }
    execFileSync('bash', ['-ec', `umask 022\n${one.setup.join('\n')}`], { cwd: context, stdio: 'pipe', env })
  }
  const hash = createHash('sha256').update(one.text).digest('hex').slice(0, 8)
  setTimes(
    context,
    Date.parse('2020-01-02T03:04:05Z') / 1000 + (Number.parseInt(hash, 16) % 999_999) / 1_000_000,
  )
  return {
    context,
    url,
    stdin: one.stdin === undefined ? Buffer.alloc(0) : readFileSync(join(context, one.stdin)),
  }
}

const gitVariables = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_DATE: '2020-01-01T00:00:00Z',
  GIT_COMMITTER_DATE: '2020-01-01T00:00:00Z',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.org',
}

/** The files of a case; in mode `lines`, a Dockerfile for each line of the file of that name. */
function filesOf(one: Case): readonly (readonly [path: string, text: string])[] {
  if (one.mode !== 'lines') return one.files
  const [[, template]] = one.files as [[string, string]]
  return [
    ...one.files.slice(1).filter(([path]) => path !== 'lines'),
    ...linesOf(one).map((line, at) => [number(at), template.replace('{}', () => line)] as const),
  ]
}

function linesOf(one: Case): readonly string[] {
  const text = one.files.find(([path]) => path === 'lines')?.[1] ?? ''
  return text.split('\n').filter(line => line !== '')
}

const number = (at: number): string => String(at + 1).padStart(3, '0')

function setTimes(path: string, time: number): void {
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) setTimes(join(path, name), time)
  lutimesSync(path, time, time)
}

const common = '--no-cache --progress=plain --provenance=false'

/** Command lines of a case after the program's name, to be run one after the other in its context. */
export function commandLines(one: Case, at: LaidOut): readonly (readonly string[])[] {
  const args = one.args.replaceAll('{url}', at.url).replaceAll('{host}', new URL(at.url).host)
  const archive = (name: string): string =>
    `-o type=oci,dest=../out/${name}.tar,rewrite-timestamp=true,compression=uncompressed`
  switch (one.mode) {
    case 'oci':
      return [words(`build ${common} --iidfile ../out/iid ${archive('image')} ${args} .`)]
    case 'lines':
      return linesOf(one).map((_, line) =>
        words(`build ${common} ${archive(number(line))} -f ${number(line)} ${args} .`),
      )
    case 'files':
      return one.files.slice(1).flatMap(([path]) => {
        if (!path.startsWith('D')) return []
        return [words(`build ${common} ${archive(path)} -f ${path} ${args} .`)]
      })
    case 'local':
      return [words(`build ${common} -o type=local,dest=../out/l ${args} .`)]
    case 'raw':
      return [words(`build ${args}`)]
    default:
      return args.split(/\s*;\s*/).flatMap(part => (part.startsWith('$BX ') ? [words(part.slice(4))] : []))
  }
}

/** Variables that a case runs with, besides those of the surroundings. */
export function variables(one: Case): Record<string, string> {
  const isDated = one.mode === 'oci' || one.mode === 'lines' || one.mode === 'files'
  const result: Record<string, string> = isDated ? { SOURCE_DATE_EPOCH: '1700000000' } : {}
  for (const text of one.env) {
    const at = text.indexOf('=')
    if (at < 0) delete result[text.slice(1)]
    else result[text.slice(0, at)] = text.slice(at + 1)
  }
  return result
}

function words(text: string): string[] {
  const found = text.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)
  return [...found].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, a?: string, b?: string) => a ?? b ?? ''),
  )
}
