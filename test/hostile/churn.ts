import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

// Turns the files of a directory, as long as its parent lives, into files, links that lead out, directories and fifos, and away.
const [, , dir = ''] = process.argv
mkdirSync(dir)
const fifos = Array.from({ length: 20 }, (_, i) => `${dir}/fifo-${i}`)
spawnSync('mkfifo', fifos)

const turns: readonly ((path: string, n: number) => void)[] = [
  (path, n) => writeFileSync(path, 'x'.repeat(n % 5000)),
  path => symlinkSync('/etc/passwd', path),
  path => {
    mkdirSync(path)
    writeFileSync(`${path}/in`, 'x')
  },
  path => renameSync(fifos.pop() ?? '/nowhere', path),
  () => {},
  (path, n) => appendFileSync(path, 'y'.repeat(n % 3000)),
]

const parent = process.ppid
for (let n = 0; process.ppid === parent; n++) {
  const path = `${dir}/f${n % 200}`
  try {
    rmSync(path, { recursive: true, force: true })
    turns[(n + Math.floor(n / 200)) % turns.length]?.(path, n)
  } catch {
    // What does not work this time is left out.
  }
  if (n % 100 === 0) await sleep(1)
}
