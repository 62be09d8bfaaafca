import { runCorpus } from './run-corpus.ts'

runCorpus(1)
