import { runStaticCheck, staticChecks } from './testing/static-checks.ts'

// `npm run check`: format, lint and types, without any test.
const results = await Promise.all(staticChecks.map(runStaticCheck))
process.exitCode = results.every(Boolean) ? 0 : 1
