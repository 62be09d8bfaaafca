import { parseJsonForm } from './json-form.ts'
import { parseNameValues } from './name-values.ts'
import type { NameValue } from './node.ts'
import { isSpace, splitBlanks } from './white-space.ts'
import { splitWords } from './words.ts'

/** The part of a node that depends on the keyword. */
export interface Arguments {
  readonly args: readonly string[]
  readonly json?: boolean
  readonly pairs?: readonly NameValue[]
}

type ArgumentParser = (rest: string, escape: string) => Arguments

const words: ArgumentParser = rest => ({ args: rest === '' ? [] : splitBlanks(rest) })

const whole: ArgumentParser = rest => ({ args: rest === '' ? [] : [rest] })

const jsonOrWhole: ArgumentParser = rest => {
  const items = parseJsonForm(rest)
  return items === undefined ? { args: rest === '' ? [] : [rest] } : { args: items, json: true }
}

const jsonOrWords: ArgumentParser = (rest, escape) => {
  const items = parseJsonForm(rest)
  return items === undefined ? words(rest, escape) : { args: items, json: true }
}

const pairs =
  (keyword: string): ArgumentParser =>
  (rest, escape) => ({ args: [], pairs: parseNameValues(rest, keyword, escape) })

const quotedWords: ArgumentParser = (rest, escape) => ({ args: splitWords(rest, escape) })

const healthcheck: ArgumentParser = (rest, escape) => {
  let end = 0
  while (end < rest.length && !isSpace(rest[end] as string)) end++
  if (end === 0) return { args: [] }
  let next = end
  while (next < rest.length && isSpace(rest[next] as string)) next++
  const command = jsonOrWhole(rest.slice(next), escape)
  return { ...command, args: [rest.slice(0, end), ...command.args] }
}

/** How each instruction splits what follows its flags. ONBUILD is not here: it holds an instruction. */
export const argumentParsers: Readonly<Record<string, ArgumentParser>> = {
  add: jsonOrWords,
  arg: quotedWords,
  cmd: jsonOrWhole,
  copy: jsonOrWords,
  entrypoint: jsonOrWhole,
  env: pairs('ENV'),
  expose: words,
  from: words,
  healthcheck,
  label: pairs('LABEL'),
  maintainer: whole,
  run: jsonOrWhole,
  shell: jsonOrWhole,
  stopsignal: whole,
  user: whole,
  volume: jsonOrWords,
  workdir: whole,
}

/** Every keyword, in capitals, for suggestions. */
export const keywords: readonly string[] = [...Object.keys(argumentParsers), 'onbuild'].map(k =>
  k.toUpperCase(),
)
