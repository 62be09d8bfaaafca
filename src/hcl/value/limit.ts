/** Raised where an evaluation would take more memory or time than any build definition needs; it becomes a diagnostic. */
export class LimitError extends Error {}

/** A `LimitError` that says what was asked for. */
export function limitError(what: string): LimitError {
  return new LimitError(`this evaluation needs ${what}, more than is allowed`)
}

/** Counts the work of one evaluation of a whole file set. */
export interface Budget {
  /** Expression nodes that may still be evaluated. */
  steps: number
  /** Characters and elements that may still be produced. */
  size: number
}

/** The budget of one run: some seconds of work at most, and some hundred megabytes. */
export function newBudget(): Budget {
  return { steps: 4_000_000, size: 128 * 1024 * 1024 }
}

/** Takes one step; throws a `LimitError` when there is none left. */
export function takeStep(budget: Budget): void {
  if (--budget.steps < 0) throw limitError('too many steps')
}

/** Takes room for `n` characters or elements; throws a `LimitError` when there is not enough left. */
export function takeSize(budget: Budget, n: number): void {
  budget.size -= n
  if (budget.size < 0) throw limitError('too much memory')
}
