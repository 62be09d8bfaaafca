import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { floors, mayImport, openToAll } from './floors.ts'

// The rules of the house that a machine can check: who may import whom, sizes, docstrings, names, paths.

const src = import.meta.dirname
const root = dirname(src)
const folders = floors.flat()

/** Longest file of code allowed, in lines. */
const wall = 500
/** Files that are nothing but a table, and may be longer. */
const tables: readonly string[] = []

const sources = walk(src).filter(file => file.endsWith('.ts') && !file.includes('/gen/'))
const product = sources.filter(file => !file.endsWith('.test.ts'))

describe('the floor table', () => {
  it('names every folder of src', () => {
    const missing = product.map(inSrc).filter(file => file.includes('/') && folderOf(file) === undefined)
    assert.deepEqual(missing, [])
  })

  it('has a row for every folder, and allows only lower or equal floors', () => {
    assert.deepEqual(Object.keys(mayImport).sort(), [...folders].sort())
    const upward = Object.entries(mayImport).flatMap(([folder, allowed]) =>
      allowed.filter(other => floorOf(other) > floorOf(folder)).map(other => `${folder} -> ${other}`),
    )
    assert.deepEqual(upward, [])
  })

  it('has no cycle', () => {
    for (const folder of folders) assert.equal(cycleFrom(folder), undefined)
  })
})

describe('imports', () => {
  it('go only where the floor table allows', () => {
    const wrong = product.flatMap(file =>
      importsOf(file)
        .filter(target => !allowed(file, target))
        .map(target => `${chainTo(file).join(' -> ')} -> ${inSrc(target)}`),
    )
    assert.deepEqual(wrong, [], 'an import that src/floors.ts does not allow (chain from the entry point)')
  })

  it('name files that exist, with their suffix', () => {
    const wrong = sources.flatMap(file =>
      importsOf(file)
        .filter(target => !existsSync(target) || !/\.[a-z]+$/.test(target))
        .map(target => `${inSrc(file)} -> ${inSrc(target)}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('of product code never lead to a test', () => {
    const wrong = product.filter(file => importsOf(file).some(target => target.endsWith('.test.ts')))
    assert.deepEqual(wrong.map(inSrc), [])
  })
})

describe('source files', () => {
  it(`are at most ${wall} lines long`, () => {
    const long = product
      .map(file => ({ file: inSrc(file), lines: read(file).split('\n').length - 1 }))
      .filter(({ file, lines }) => lines > wall && !tables.includes(file))
    assert.deepEqual(long, [])
  })

  it('have kebab-case names', () => {
    const wrong = sources
      .map(inSrc)
      .filter(file => !/^([a-z0-9-]+\/)*[a-z0-9-]+(\.[a-z0-9]+)*\.ts$/.test(file))
    assert.deepEqual(wrong, [])
  })

  it('have a docstring on every export', () => {
    assert.deepEqual(product.flatMap(undocumented), [])
  })

  it('lie in no folder named after nothing in particular', () => {
    const banned = /(^|\/)(utils?|helpers?|common|misc|shared|lib)(\/|$)/
    const dirs = ['src', 'test', 'scripts'].flatMap(top =>
      walk(join(root, top)).map(file => relative(root, dirname(file))),
    )
    assert.deepEqual(
      [...new Set(dirs)].filter(dir => banned.test(dir)),
      [],
    )
  })
})

describe('folders', () => {
  it('of floors 1 to 5 have a README of at most 60 lines', () => {
    const wrong = floors
      .slice(1, 6)
      .flat()
      .filter(folder => product.some(file => folderOf(inSrc(file)) === folder))
      .flatMap(folder => {
        const file = join(src, folder, 'README.md')
        if (!existsSync(file)) return [`${folder}: no README.md`]
        const lines = read(file).split('\n').length - 1
        return lines > 60 ? [`${folder}/README.md: ${lines} lines`] : []
      })
    assert.deepEqual(wrong, [])
  })

  it('hold no path of the machine they were written on', () => {
    const marks = machinePaths()
    const wrong = walk(root)
      .filter(file => /\.(ts|md|sh|json|yaml|yml|proto|hcl)$|Dockerfile|\/\.ci\//.test(file))
      .filter(file => marks.some(mark => read(file).includes(mark)))
    assert.deepEqual(
      wrong.map(file => relative(root, file)),
      [],
    )
  })
})

function walk(dir: string): string[] {
  const skipped = new Set(['node_modules', 'dist', '.git', '.cache'])
  return readdirSync(dir, { withFileTypes: true }).flatMap(entry => {
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : walk(join(dir, entry.name))
    return entry.isFile() ? [join(dir, entry.name)] : []
  })
}

function read(file: string): string {
  return readFileSync(file, 'utf8')
}

function inSrc(file: string): string {
  return relative(src, file)
}

/** The folder of the table that a file of `src` (path relative to it) lies in; the longest name wins. */
function folderOf(file: string): string | undefined {
  return folders.filter(folder => file.startsWith(`${folder}/`)).sort((a, b) => b.length - a.length)[0]
}

function floorOf(folder: string): number {
  return floors.findIndex(floor => floor.includes(folder))
}

function cycleFrom(start: string, folder = start, path: readonly string[] = [start]): string | undefined {
  for (const next of mayImport[folder] ?? []) {
    if (next === start) return [...path, next].join(' -> ')
    if (path.includes(next)) continue
    const found = cycleFrom(start, next, [...path, next])
    if (found !== undefined) return found
  }
  return undefined
}

/** Absolute paths of what a file imports by relative path: static, re-exported, side effect or dynamic; types too. */
function importsOf(file: string): string[] {
  const code = read(file).replace(/^\s*(\*|\/\/).*$/gm, '')
  const pattern =
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*'(\.[^']+)'|^\s*import\s+'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'\s*\)/gm
  return [...code.matchAll(pattern)].map(match =>
    resolve(dirname(file), match[1] ?? match[2] ?? match[3] ?? ''),
  )
}

function allowed(file: string, target: string): boolean {
  const from = folderOf(inSrc(file))
  const to = folderOf(inSrc(target))
  // Files directly in src: the library's entry point, and this table.
  if (from === undefined) return inSrc(file) === 'index.ts' || !target.startsWith(`${src}/`)
  if (relative(root, target) === 'package.json') return from === 'cli'
  if (to === undefined) return false
  return from === to || openToAll.includes(to) || (mayImport[from]?.includes(to) ?? false)
}

/** How the entry point reaches a file: the shortest chain of imports, or the file alone. */
function chainTo(file: string): string[] {
  const entry = join(src, 'cli', 'main.ts')
  const cameFrom = new Map<string, string>()
  const queue = existsSync(entry) ? [entry] : []
  for (let at = queue.shift(); at !== undefined && at !== file; at = queue.shift()) {
    for (const next of importsOf(at)) {
      if (cameFrom.has(next) || !existsSync(next)) continue
      cameFrom.set(next, at)
      queue.push(next)
    }
  }
  const chain = [file]
  for (let at = cameFrom.get(file); at !== undefined; at = cameFrom.get(at)) chain.unshift(at)
  return chain.map(inSrc)
}

/** Exports without a docstring directly above. An overload or a namesake type shares the docstring of the first. */
function undocumented(file: string): string[] {
  const lines = read(file).split('\n')
  const seen = new Set<string>()
  return lines.flatMap((line, index) => {
    const name =
      /^export (?:default )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type) ([\w$]+)/.exec(
        line,
      )?.[1]
    if (name === undefined || seen.has(name)) return []
    seen.add(name)
    return lines[index - 1]?.trimEnd().endsWith('*/') === true ? [] : [`${inSrc(file)}:${index + 1} ${name}`]
  })
}

/** Where this clone lies, and what lies beside it: nothing of that belongs into a file of the repository. */
function machinePaths(): string[] {
  const parent = dirname(root)
  const common = ['/', '/tmp', '/root', '/home', '/src', '/app', '/workspace', '/var/tmp', '/opt', '/usr/src']
  if (common.includes(parent)) return common.includes(root) ? [] : [`${root}/`]
  return readdirSync(parent).map(name => `${parent}/${name}/`)
}
