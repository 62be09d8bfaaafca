import type { CommandRow } from './command.ts'

/** Every command; what a row loads is read only when the command is called. */
export const commandTable: CommandRow = {
  name: 'buildx',
  summary: 'Extended build capabilities with BuildKit',
  children: [
    {
      name: 'build',
      summary: 'Start a build',
      aliases: ['b'],
      load: () => import('./commands/build.ts'),
    },
    {
      name: 'version',
      summary: 'Show the version',
      load: () => import('./commands/version.ts'),
    },
  ],
}
