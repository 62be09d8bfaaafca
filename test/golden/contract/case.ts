import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** One build of the corpus: its files and its command lines. */
export interface Case {
  readonly name: string
  /** `oci`: an uncompressed, reproducible OCI archive; `gz`, `local`, `raw`, `cmd`: see `commandLines`. */
  readonly mode: string
  /** Words of the command line, as a shell would split them. */
  readonly args: string
  /** Lines for bash, run in the context. */
  readonly setup: readonly string[]
  /** `NAME=value`, or `-NAME` to have it unset. */
  readonly env: readonly string[]
  readonly files: readonly (readonly [path: string, text: string])[]
  /** Decides about the times of the files, so that no build takes another's for its own. */
  readonly text: string
}

/**
 * Reads the cases of a `.txt` file. A case begins with `#### name`; then lines `! words`, `$ set-up`, `@ variable`, `% mode`;
 * then the Dockerfile; then further files, each behind `-- path --`.
 */
export function readCases(file: string): readonly Case[] {
  const parts = readFileSync(file, 'utf8')
    .split(/^#### /m)
    .slice(1)
  return parts.map(part => {
    const [first = '', ...lines] = part.split('\n')
    const head = lines.findIndex(line => !/^[!$@%] /.test(line))
    const marked = (mark: string): string[] =>
      lines.slice(0, head).flatMap(line => (line.startsWith(`${mark} `) ? [line.slice(2)] : []))
    const files: [string, string][] = [['Dockerfile', '']]
    for (const line of lines.slice(head)) {
      const path = /^-- (\S+) --$/.exec(line)?.[1]
      if (path !== undefined) files.push([path, ''])
      else files[files.length - 1]![1] += `${line}\n`
    }
    return {
      name: `${basename(file, '.txt')}/${first.trim()}`,
      mode: marked('%')[0] ?? 'oci',
      args: marked('!').join(' '),
      setup: marked('$'),
      env: marked('@'),
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

/** Makes the context of a case in `dir`, and a folder for its results beside it; answers the context's path. */
export function layOut(one: Case, dir: string): string {
  const context = join(dir, `c.${one.name.replace('/', '.')}`)
  mkdirSync(join(dir, 'out'), { recursive: true })
  for (const [path, text] of one.files) {
    if (text.trim() === '%none') continue
    mkdirSync(dirname(join(context, path)), { recursive: true })
    writeFileSync(join(context, path), text)
  }
  mkdirSync(context, { recursive: true })
  const bash = (script: string): void => {
    execFileSync('bash', ['-ec', `umask 022\n${script}`], { cwd: context, stdio: 'pipe' })
  }
  if (one.setup.length > 0) bash(one.setup.join('\n'))
  const hash = createHash('sha256').update(one.text).digest('hex').slice(0, 8)
  const fraction = String(Number.parseInt(hash, 16) % 999_999_999).padStart(9, '0')
  bash(`find . -depth -exec touch -h -d 2020-01-02T03:04:05.${fraction}Z {} +`)
  return context
}

const common = '--no-cache --progress=plain --provenance=false'

/** Command lines of a case after the program's name, to be run one after the other in its context. */
export function commandLines(one: Case): readonly (readonly string[])[] {
  const archive = '-o type=oci,dest=../out/image.tar,rewrite-timestamp=true,compression=uncompressed'
  switch (one.mode) {
    case 'oci':
      return [words(`build ${common} --iidfile ../out/iid ${archive} ${one.args} .`)]
    case 'local':
      return [words(`build ${common} -o type=local,dest=../out/l ${one.args} .`)]
    case 'raw':
      return [words(`build ${one.args}`)]
    default:
      return one.args
        .split(/\s*;\s*/)
        .flatMap(part => (part.startsWith('$BX ') ? [words(part.slice(4))] : []))
  }
}

/** Variables that a case runs with, besides those of the surroundings. */
export function variables(one: Case): Record<string, string> {
  const result: Record<string, string> = one.mode === 'oci' ? { SOURCE_DATE_EPOCH: '1700000000' } : {}
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
