/** Records the help pages of a real docker-buildx: node test/golden/help/record.ts PATH-OF-docker-buildx */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { helpCalls, readHelpPage } from './help-page.ts'

const [binary] = process.argv.slice(2)
if (binary === undefined) throw new Error('give the path of docker-buildx')
const pages = [...helpCalls()].map(([title, { args, env }]) => {
  const { stdout, status } = spawnSync(binary, args, {
    argv0: '/usr/bin/docker-buildx',
    encoding: 'utf8',
    env: { HOME: '/nowhere', ...env },
  })
  return [title, readHelpPage(stdout, status ?? -1)]
})
writeFileSync(
  join(import.meta.dirname, 'help.json'),
  `${JSON.stringify(Object.fromEntries(pages), null, 1)}\n`,
)
