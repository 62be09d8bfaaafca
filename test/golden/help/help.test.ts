import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { callCli } from '../../../src/cli/testing/call-cli.ts'
import { helpCalls, type HelpPage, readHelpPage } from './help-page.ts'
import { withoutKnown } from './known-differences.ts'

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'help.json'), 'utf8')) as Record<
  string,
  HelpPage
>

describe('help pages have the commands and flags of docker buildx 0.36.1, in its order', () => {
  for (const [title, { args, env }] of helpCalls()) {
    it(title === '' ? 'of the program itself' : `of ${title}`, async () => {
      const { code, stdout } = await callCli(args, { cwd: '/', env, program: 'docker-buildx' })
      const ours = readHelpPage(stdout, code)
      assert.deepEqual(withoutKnown(title, ours), withoutKnown(title, recorded[title] as HelpPage))
    })
  }
})
