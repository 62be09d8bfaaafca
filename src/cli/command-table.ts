import type { CommandRow } from './command.ts'

/** Every command; what a row loads is read only when the command is called. */
export const commandTable: CommandRow = {
  name: 'buildx',
  summary: 'Extended build capabilities with BuildKit',
  children: [
    {
      name: 'bake',
      summary: 'Build from a file',
      aliases: ['f'],
      load: () => import('./commands/bake.ts'),
    },
    {
      name: 'binfmt',
      summary: 'Register emulators and show which platforms this machine runs',
      load: () => import('./commands/binfmt.ts'),
    },
    {
      name: 'build',
      summary: 'Start a build',
      aliases: ['b'],
      aliasText: 'docker build, docker builder build, docker image build, docker buildx b',
      load: () => import('./commands/build.ts'),
    },
    {
      name: 'completion',
      summary: 'Print the script by which a shell completes lines',
      hidden: true,
      children: (['bash', 'fish', 'powershell', 'zsh'] as const).map(shell => ({
        name: shell,
        summary: `Print the script for ${shell}`,
        load: async () => {
          const { completionCommand } = await import('./commands/completion.ts')
          return { command: completionCommand(shell) }
        },
      })),
    },
    {
      name: 'create',
      summary: 'Make a new builder',
      load: () => import('./commands/create.ts'),
    },
    {
      name: 'debug',
      summary: 'Stop a build and look at it',
      experimental: true,
      lendsFlags: true,
      children: [
        {
          name: 'build',
          summary: 'Start a build',
          aliases: ['b'],
          load: () => import('./commands/debug-build.ts'),
        },
      ],
    },
    {
      name: 'dial-stdio',
      summary: 'Connect standard input and output to a builder',
      load: () => import('./commands/dial-stdio.ts'),
    },
    {
      name: 'du',
      summary: 'Show what the build cache takes',
      load: () => import('./commands/du.ts'),
    },
    {
      name: 'history',
      summary: 'Work on records of builds',
      children: [
        {
          name: 'export',
          summary: 'Write build records to a file',
          load: () => import('./commands/history-export.ts'),
        },
        {
          name: 'import',
          summary: 'Import build records into Docker Desktop',
          load: () => import('./commands/history-import.ts'),
        },
        {
          name: 'inspect',
          summary: 'Show a build record in full',
          load: () => import('./commands/history-inspect.ts'),
          children: [
            {
              name: 'attachment',
              summary: 'Show a document of a build record',
              load: () => import('./commands/history-inspect-attachment.ts'),
            },
          ],
        },
        {
          name: 'logs',
          summary: 'Print the logs of a build record',
          load: () => import('./commands/history-logs.ts'),
        },
        { name: 'ls', summary: 'List build records', load: () => import('./commands/history-ls.ts') },
        {
          name: 'open',
          summary: 'Open a build record in Docker Desktop',
          load: () => import('./commands/history-open.ts'),
        },
        { name: 'rm', summary: 'Remove build records', load: () => import('./commands/history-rm.ts') },
        {
          name: 'trace',
          summary: 'Show how long the steps of a build took',
          load: () => import('./commands/history-trace.ts'),
        },
      ],
    },
    {
      name: 'image',
      summary: 'Manage images of the local store',
      children: [
        {
          name: 'ls',
          summary: 'List images',
          aliases: ['list'],
          load: () => import('./commands/image-ls.ts'),
        },
        {
          name: 'push',
          summary: 'Push an image to a registry',
          load: () => import('./commands/image-push.ts'),
        },
        { name: 'rm', summary: 'Remove images', load: () => import('./commands/image-rm.ts') },
        {
          name: 'save',
          summary: 'Write an image to an archive',
          load: () => import('./commands/image-save.ts'),
        },
      ],
    },
    {
      name: 'imagetools',
      summary: 'Commands to work on images in registry',
      children: [
        {
          name: 'create',
          summary: 'Create a new image based on source images',
          load: () => import('./commands/imagetools-create.ts'),
        },
        {
          name: 'inspect',
          summary: 'Show details of an image in the registry',
          load: () => import('./commands/imagetools-inspect.ts'),
        },
      ],
    },
    {
      name: 'inspect',
      summary: 'Show a builder in full',
      load: () => import('./commands/inspect.ts'),
    },
    {
      name: 'install',
      summary: "Make 'docker builder' an alias of buildx",
      hidden: true,
      load: () => import('./commands/install.ts'),
    },
    {
      name: 'ls',
      summary: 'List builders',
      load: () => import('./commands/ls.ts'),
    },
    {
      name: 'prune',
      summary: 'Remove build cache',
      load: () => import('./commands/prune.ts'),
    },
    {
      name: 'rm',
      summary: 'Remove builders',
      load: () => import('./commands/rm.ts'),
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
      name: 'stop',
      summary: 'Stop a builder',
      load: () => import('./commands/stop.ts'),
    },
    {
      name: 'uninstall',
      summary: "Take the alias 'docker builder' away",
      hidden: true,
      load: () => import('./commands/uninstall.ts'),
    },
    {
      name: 'use',
      summary: 'Choose the current builder',
      load: () => import('./commands/use.ts'),
    },
    {
      name: 'version',
      summary: 'Show the version',
      load: () => import('./commands/version.ts'),
    },
  ],
}
