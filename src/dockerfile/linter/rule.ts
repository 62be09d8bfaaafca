/** A check: plain facts, and how its message reads for the given subjects. */
export interface Rule<A extends readonly string[]> {
  readonly name: string
  readonly description: string
  /** Page that explains it; empty where there is none. */
  readonly url: string
  /** Runs only where `check=experimental=` asks for it. */
  readonly experimental?: boolean
  /** Slipway's own: it warns, but never fails a build or a check that passes elsewhere. */
  readonly advisory?: boolean
  readonly message: (...subjects: A) => string
}

/** The page of a rule of BuildKit. */
export function ruleUrl(slug: string): string {
  return `https://docs.docker.com/go/dockerfile/rule/${slug}/`
}
