import { dockerConfigDir } from '../../drivers/docker/docker-contexts.ts'
import { exactArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { setBuilderAlias } from '../builder-alias.ts'

/** `uninstall`: takes the alias `docker builder` away. */
export const command: Command = defineCommand({
  usage: '',
  args: exactArgs(0),
  hidesBuilder: true,
  deprecated: "use 'docker buildx' directly, without relying on the 'docker builder' alias",
  flags: () => () => undefined,
  async run({ host, globals }) {
    setBuilderAlias(dockerConfigDir({ ...globals.docker, env: host.env }), undefined)
  },
})
