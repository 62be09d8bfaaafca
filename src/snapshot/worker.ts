import { serveJobs } from '../sys/serve-jobs.ts'
import { snapshotJobs } from './jobs.ts'

serveJobs(snapshotJobs)
