import type { CommandRow } from './command.ts'

/** Every command; what a row loads is read only when the command is called. */
export const commandTable: CommandRow = {
  name: 'buildx',
  summary: 'Extended build capabilities with BuildKit',
  children: [
    {
      name: 'binfmt',
      summary: 'Register emulators and show which platforms this machine runs',
      load: () => import('./commands/binfmt.ts'),
    },
    {
      name: 'build',
      summary: 'Start a build',
      aliases: ['b'],
      load: () => import('./commands/build.ts'),
    },
    {
      name: 'image',
      summary: 'Manage images of the local store',
      children: [
        { name: 'ls', summary: 'List images', aliases: ['list'], load: () => import('./commands/image-ls.ts') },
        { name: 'push', summary: 'Push an image to a registry', load: () => import('./commands/image-push.ts') },
        { name: 'rm', summary: 'Remove images', load: () => import('./commands/image-rm.ts') },
        { name: 'save', summary: 'Write an image to an archive', load: () => import('./commands/image-save.ts') },
      ],
    },
    {
      name: 'run',
      summary: 'Try an image of the local store',
      load: () => import('./commands/run.ts'),
    },
    {
      name: 'serve',
      summary: 'Serve builds to BuildKit clients',
      load: () => import('./commands/serve.ts'),
    },
    {
      name: 'version',
      summary: 'Show the version',
      load: () => import('./commands/version.ts'),
    },
  ],
}
