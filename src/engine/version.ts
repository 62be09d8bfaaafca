/** What the engine says it is: the BuildKit release whose behaviour it keeps, which clients check before they use a feature. */
export const buildkitVersion = {
  package: 'slipway',
  version: 'v0.32.2',
  revision: '',
  dockerfileVersion: '1.26.0',
} as const
