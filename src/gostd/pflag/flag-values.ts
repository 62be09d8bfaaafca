/** Present values of a record of flags, under the same keys. */
export type FlagValues<T> = { readonly [K in keyof T]: T[K] extends { readonly value: infer V } ? V : never }

/** Reads the values of declared flags, to be called after parsing. */
export function flagValues<T extends Readonly<Record<string, { readonly value: unknown }>>>(
  flags: T,
): FlagValues<T> {
  const entries = Object.entries(flags).map(([key, flag]) => [key, flag.value])
  return Object.fromEntries(entries) as FlagValues<T>
}
