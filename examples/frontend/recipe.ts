import { SlipwayError } from '../../src/errors/slipway-error.ts'

/** A line of a recipe: what to do, and with what. `line` counts from 1. */
export interface Step {
  readonly verb: Verb
  readonly words: string
  readonly line: number
}

const verbs = ['base', 'env', 'run', 'add', 'write', 'cmd'] as const

/** What a recipe may ask for. */
export type Verb = (typeof verbs)[number]

/** A recipe as text and as steps. */
export interface Recipe {
  readonly filename: string
  readonly data: Uint8Array
  readonly steps: readonly Step[]
  /** What is worth saying of lines that are understood all the same. */
  readonly remarks: readonly { readonly line: number; readonly text: string }[]
}

/**
 * Reads a recipe: a verb and its words on each line, the base first; empty lines and lines that begin with # say nothing.
 * Throws `invalid-argument` with the line in its sources.
 */
export function parseRecipe(filename: string, data: Uint8Array): Recipe {
  const steps: Step[] = []
  const remarks: { line: number; text: string }[] = []
  for (const [i, text] of Buffer.from(data).toString('utf8').split('\n').entries()) {
    const line = i + 1
    const [, word = '', words = ''] = /^\s*([^\s#]\S*)\s*(.*?)\s*$/.exec(text) ?? []
    if (word === '') continue
    const verb = verbs.find(one => one === word.toLowerCase())
    if (verb === undefined) throw atLine(filename, data, line, `unknown verb ${word}`)
    if (words === '') throw atLine(filename, data, line, `${verb} needs something to work with`)
    if (verb !== word) remarks.push({ line, text: `verbs are in lower case: ${word}` })
    if ((verb === 'base') !== (steps.length === 0)) {
      throw atLine(filename, data, line, 'a recipe begins with its one base')
    }
    steps.push({ verb, words, line })
  }
  if (steps.length === 0) throw atLine(filename, data, 1, 'a recipe begins with its one base')
  return { filename, data, steps, remarks }
}

/** A failure that shows a line of the recipe. */
export function atLine(filename: string, data: Uint8Array, line: number, message: string): SlipwayError {
  const at = { line, character: 0 }
  const sources = [{ filename, data, language: 'recipe', ranges: [{ start: at, end: at }] }]
  return new SlipwayError('invalid-argument', message, { sources })
}
