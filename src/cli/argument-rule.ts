/** How many arguments a command takes; `undefined` means that the number is right, else what is wrong. */
export type ArgumentRule = (
  count: number,
  args?: readonly string[],
) => string | RefusedWord | RefusedNumber | undefined

/** A word that is taken for a command that there is not. */
export interface RefusedWord {
  readonly word: string
}

/** A sentence that stands for itself, without the command's usage. */
export interface RefusedNumber {
  readonly sentence: string
}

/** Exactly so many, as docker's `ExactArgs`. */
export const exactArgs =
  (count: number): ArgumentRule =>
  given =>
    given === count ? undefined : `requires ${count} ${plural(count)}`

/** At least so many, as docker's `RequiresMinArgs`. */
export const minArgs =
  (count: number): ArgumentRule =>
  given =>
    given >= count ? undefined : `requires at least ${count} ${plural(count)}`

/** At most so many, as docker's `RequiresMaxArgs`. */
export const maxArgs =
  (count: number): ArgumentRule =>
  given =>
    given <= count ? undefined : `requires at most ${count} ${plural(count)}`

/** Between two numbers, as docker's `RequiresRangeArgs`. */
export const rangeArgs =
  (min: number, max: number): ArgumentRule =>
  given =>
    given >= min && given <= max ? undefined : `requires at least ${min} and at most ${max} ${plural(max)}`

/** None, as docker's `NoArgs`. */
export const noArgs: ArgumentRule = given => (given === 0 ? undefined : 'accepts no arguments')

/** None, as cobra's `NoArgs`: what is given is no command. */
export const noWords: ArgumentRule = (given, args) => (given === 0 ? undefined : { word: args?.[0] ?? '' })

/** At most so many, as cobra's `MaximumNArgs`. */
export const maxWords =
  (count: number): ArgumentRule =>
  given =>
    given <= count ? undefined : { sentence: `accepts at most ${count} arg(s), received ${given}` }

/** Any number. */
export const anyArgs: ArgumentRule = () => undefined

const plural = (count: number): string => (count === 1 ? 'argument' : 'arguments')
