import fc from 'fast-check'

/**
 * fast-check with one seed for all who run the tests, so that a run tells of the change and not of its luck. To
 * look for new counterexamples: `FUZZ_SEED=$RANDOM npm test -- src/bake/yaml/yaml.test.ts`.
 */
fc.configureGlobal({ seed: Number(process.env['FUZZ_SEED'] ?? 20_261) })

export { fc }
