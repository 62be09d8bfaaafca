/** Folders of `src/` by floor: imports go strictly down, and only along `mayImport`. The test beside this file enforces it. */
export const floors: readonly (readonly string[])[] = [
  ['errors', 'async', 'bytes', 'gostd', 'sys'],
  ['oci', 'proto', 'status', 'tar', 'compression', 'hcl'],
  ['dockerfile', 'llb', 'bake', 'solver'],
  ['content', 'registry', 'snapshot', 'executor', 'session', 'source'],
  ['ops', 'exporter', 'cache', 'frontend', 'attest'],
  ['engine', 'buildkit/server', 'buildkit/client'],
  ['build', 'builder', 'drivers', 'imagetools', 'progress'],
  ['cli'],
]

const belowEngine = floors.slice(1, 5).flat()

/** Folders open to every other one. */
export const openToAll: readonly string[] = ['errors', 'async', 'bytes', 'gostd']

/** Which folders each folder may import, besides itself and `openToAll`. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  async: [],
  bytes: [],
  gostd: [],
  sys: [],
  oci: [],
  proto: [],
  tar: [],
  hcl: [],
  status: ['oci'],
  compression: ['oci'],
  llb: ['oci', 'proto'],
  dockerfile: ['llb', 'oci', 'status'],
  bake: ['hcl', 'oci'],
  solver: ['oci', 'status'],
  content: ['oci', 'compression', 'sys'],
  registry: ['oci'],
  snapshot: ['content', 'oci', 'tar', 'compression', 'sys'],
  executor: ['oci', 'status', 'sys'],
  session: ['oci', 'proto', 'sys'],
  source: ['content', 'registry', 'snapshot', 'session', 'oci', 'proto', 'status', 'sys'],
  ops: ['solver', 'source', 'snapshot', 'executor', 'session', 'content', 'oci', 'proto', 'status', 'sys', 'tar', 'compression', 'llb'],
  exporter: ['content', 'registry', 'snapshot', 'session', 'oci', 'tar', 'compression', 'sys'],
  cache: ['solver', 'content', 'registry', 'oci', 'compression'],
  attest: ['solver', 'content', 'oci', 'proto'],
  frontend: ['dockerfile', 'llb', 'oci', 'proto', 'status'],
  engine: [...belowEngine, 'sys'],
  'buildkit/server': ['engine', 'proto', 'session', 'status'],
  'buildkit/client': ['proto', 'session', 'status', 'oci'],
  drivers: ['buildkit/client', 'buildkit/server', 'engine', 'session', 'executor', 'registry', 'status', 'oci', 'sys'],
  builder: ['drivers', 'oci', 'status'],
  progress: ['status'],
  imagetools: ['registry', 'content', 'oci'],
  build: ['bake', 'builder', 'buildkit/client', 'session', 'oci', 'status', 'proto'],
  cli: ['build', 'bake', 'builder', 'imagetools', 'progress', 'drivers', 'executor', 'status', 'oci', 'hcl', 'content', 'registry', 'engine', 'buildkit/server', 'buildkit/client', 'session', 'proto', 'sys'],
}
