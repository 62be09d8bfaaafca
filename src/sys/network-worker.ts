import { networkJobs } from './network-jobs.ts'
import { serveJobs } from './serve-jobs.ts'

serveJobs(networkJobs())
