import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../setup/run.ts'
import type { Job } from './contender.ts'

/** What a scenario is given: a folder for one contender's contexts, and where things are. */
export interface Bench {
  /** Scratch folder of one contender in one scenario. */
  readonly dir: string
  /** Base image, by full reference. */
  readonly base: string
  /** `host:port` of a registry to push to. */
  readonly registry: string
  /** Different in every round and for every contender. */
  readonly nonce: string
}

/** One thing to measure. */
export interface Scenario {
  readonly name: string
  /** Rounds at most, for what takes long. */
  readonly rounds?: number
  /** Brings about what the measured build finds; its builds are not measured. Called before every round. */
  prepare(bench: Bench): Promise<readonly Job[]>
  /** The build that is measured; called right before it. */
  job(bench: Bench): Job | Promise<Job>
}

const five = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/arm/v6', 'linux/s390x']

/** The scenarios, in the order of the table. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'fully cached rebuild',
    async prepare(bench) {
      await write(bench, 'Dockerfile', from(bench, runs(10), 'COPY Dockerfile /'))
      return [{ context: bench.dir, output: { kind: 'store', tag: 'cached' } }]
    },
    job: bench => ({ context: bench.dir, output: { kind: 'store', tag: 'cached' } }),
  },
  {
    name: '30 RUN steps',
    async prepare(bench) {
      await write(bench, 'Dockerfile', from(bench, runs(30)))
      return []
    },
    job: bench => ({ context: bench.dir, buildArgs: { NONCE: bench.nonce }, output: { kind: 'none' } }),
  },
  {
    name: 'COPY of 20,000 files, cold',
    async prepare(bench) {
      await makeFiles(bench)
      return [await warm(bench)]
    },
    job: bench => ({ context: join(bench.dir, bench.nonce), output: { kind: 'none' } }),
  },
  {
    name: 'COPY of 20,000 files, one changed',
    async prepare(bench) {
      await makeFiles({ ...bench, nonce: 'tree' })
      return [{ context: join(bench.dir, 'tree'), output: { kind: 'none' } }]
    },
    async job(bench) {
      await writeFile(join(bench.dir, 'tree', 'f', '7', '7'), `changed for ${bench.nonce}`)
      return { context: join(bench.dir, 'tree'), output: { kind: 'none' } }
    },
  },
  exportScenario('290 MB layer to an OCI archive, gzip', bench => ({
    kind: 'oci',
    file: join(bench.dir, 'out.tar'),
    compression: 'gzip',
  })),
  exportScenario('290 MB layer to an OCI archive, zstd', bench => ({
    kind: 'oci',
    file: join(bench.dir, 'out.tar'),
    compression: 'zstd',
  })),
  exportScenario('290 MB layer pushed', bench => ({
    kind: 'push',
    reference: `${bench.registry}/bench:${bench.nonce}`,
  })),
  {
    name: 'five emulated platforms',
    async prepare(bench) {
      await write(bench, 'Dockerfile', from(bench, runs(3)))
      return []
    },
    job: bench => ({
      context: bench.dir,
      platforms: five,
      buildArgs: { NONCE: bench.nonce },
      output: { kind: 'none' },
    }),
  },
  stagesScenario('40 targets on one base', 40, 1),
  stagesScenario('12 parallel stages', 12, 3),
  {
    name: '40 small targets by bake',
    async prepare(bench) {
      for (let i = 0; i < 40; i++) await write(bench, `file-${i}`, `${i} ${bench.nonce}\n`)
      await write(bench, 'Dockerfile', from(bench, 'ARG I', 'LABEL nonce=$NONCE', 'COPY file-$I /file'))
      await write(bench, 'docker-bake.hcl', smallTargets(bench))
      return []
    },
    job: bench => ({ context: bench.dir, bake: 'docker-bake.hcl', output: { kind: 'none' } }),
  },
]

function smallTargets({ nonce }: Bench): string {
  return `group "default" { targets = ["small"] }
target "small" {
  name   = "small-\${i}"
  matrix = { i = range(40) }
  args   = { I = i, NONCE = "${nonce}" }
}
`
}

function exportScenario(name: string, output: (bench: Bench) => Job['output']): Scenario {
  const context = (bench: Bench): string => join(bench.dir, 'big')
  return {
    name,
    rounds: 3,
    async prepare(bench) {
      await makeBigFile(context(bench), bench.nonce)
      await writeFile(join(context(bench), 'Dockerfile'), `FROM ${bench.base}\nCOPY big /big\n`)
      return [{ context: context(bench), output: { kind: 'none' } }]
    },
    job: bench => ({ context: context(bench), output: output(bench) }),
  }
}

function stagesScenario(name: string, stages: number, steps: number): Scenario {
  return {
    name,
    async prepare(bench) {
      const names = Array.from({ length: stages }, (_, index) => `s${index}`)
      const stage = (id: string): string =>
        `FROM base AS ${id}\n${Array.from({ length: steps }, (_, step) => `RUN echo ${id} ${step} $NONCE >> /${id}\n`).join('')}`
      const copies = names.map(id => `COPY --from=${id} /${id} /${id}\n`).join('')
      await write(
        bench,
        'Dockerfile',
        `FROM ${bench.base} AS base\nARG NONCE\n${names.map(stage).join('')}FROM base\n${copies}`,
      )
      return []
    },
    job: bench => ({ context: bench.dir, buildArgs: { NONCE: bench.nonce }, output: { kind: 'none' } }),
  }
}

function from(bench: Bench, ...lines: string[]): string {
  return `FROM ${bench.base}\nARG NONCE\n${lines.join('\n')}\n`
}

function runs(count: number): string {
  return Array.from({ length: count }, (_, index) => `RUN echo step ${index} $NONCE >> /steps`).join('\n')
}

async function warm(bench: Bench): Promise<Job> {
  const context = join(bench.dir, 'warm')
  await write({ ...bench, dir: context }, 'Dockerfile', `FROM ${bench.base}\nRUN true\n`)
  return { context, output: { kind: 'none' } }
}

async function write(bench: Bench, file: string, text: string): Promise<void> {
  await mkdir(bench.dir, { recursive: true })
  await writeFile(join(bench.dir, file), text)
}

/** 20,000 files of 100 bytes to 8 KiB in 200 folders, in a folder named by the nonce; kept when it is there. */
async function makeFiles(bench: Bench): Promise<void> {
  const dir = join(bench.dir, bench.nonce)
  const script = `
    set -e; [ ! -e "$1/Dockerfile" ] || exit 0
    mkdir -p "$1/f"; cd "$1/f"
    awk -v nonce="$2" 'BEGIN { for (d = 0; d < 200; d++) { system("mkdir " d); for (f = 0; f < 100; f++) {
      name = d "/" f; text = nonce " " name "\\n"; size = 100 + (d * 7919 + f * 104729) % 8092
      while (length(text) < size) text = text text
      printf "%s", substr(text, 1, size) > name; close(name) } } }'
    printf 'FROM %s\\nCOPY f /f\\n' "$3" > ../Dockerfile`
  await run(['sh', '-c', script, 'sh', dir, bench.nonce, bench.base])
}

/** A file of 290 MB that gzip makes about half as large, different for every nonce. */
async function makeBigFile(dir: string, nonce: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  const script = `
    set -e; cd "$1"; [ -e ../block ] || { head -c 5000000 /dev/urandom > ../block; head -c 3750000 ../block | base64 -w 76 >> ../block; }
    { echo "$2"; for i in $(seq 29); do echo "$2 $i"; cat ../block; done; } | head -c 290000000 > big`
  await run(['bash', '-c', script, 'bash', dir, nonce])
}
