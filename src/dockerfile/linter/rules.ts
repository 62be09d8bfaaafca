import { quote } from '../../gostd/quote.ts'
import { type Rule, ruleUrl } from './rule.ts'

type One = Rule<readonly [string]>
type Two = Rule<readonly [string, string]>

const hint = (sigil: string, suggestion: string): string =>
  suggestion === '' ? '' : ` (did you mean ${sigil}${suggestion}?)`

/** Names of the rules and their texts. Source: https://docs.docker.com/reference/build-checks/ */
export const rules = {
  stageNameCasing: {
    name: 'StageNameCasing',
    description: 'Stage names should be lowercase',
    url: ruleUrl('stage-name-casing'),
    message: stage => `Stage name '${stage}' should be lowercase`,
  } satisfies One,
  fromAsCasing: {
    name: 'FromAsCasing',
    description: "The 'as' keyword should match the case of the 'from' keyword",
    url: ruleUrl('from-as-casing'),
    message: (from, as) => `'${as}' and '${from}' keywords' casing do not match`,
  } satisfies Two,
  noEmptyContinuation: {
    name: 'NoEmptyContinuation',
    description: 'Empty continuation lines will become errors in a future release',
    url: ruleUrl('no-empty-continuation'),
    message: () => 'Empty continuation line',
  } satisfies Rule<readonly []>,
  consistentInstructionCasing: {
    name: 'ConsistentInstructionCasing',
    description: 'All commands within the Dockerfile should use the same casing (either upper or lower)',
    url: ruleUrl('consistent-instruction-casing'),
    message: (keyword, casing) =>
      `Command '${keyword}' should match the case of the command majority (${casing})`,
  } satisfies Two,
  duplicateStageName: {
    name: 'DuplicateStageName',
    description: 'Stage names should be unique',
    url: ruleUrl('duplicate-stage-name'),
    message: stage => `Duplicate stage name ${quote(stage)}, stage names should be unique`,
  } satisfies One,
  reservedStageName: {
    name: 'ReservedStageName',
    description: 'Reserved words should not be used as stage names',
    url: ruleUrl('reserved-stage-name'),
    message: stage => `Stage name should not use the same name as reserved stage ${quote(stage)}`,
  } satisfies One,
  jsonArgsRecommended: {
    name: 'JSONArgsRecommended',
    description:
      'JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals',
    url: ruleUrl('json-args-recommended'),
    message: keyword =>
      `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`,
  } satisfies One,
  maintainerDeprecated: {
    name: 'MaintainerDeprecated',
    description: 'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
    url: ruleUrl('maintainer-deprecated'),
    message: () => 'Maintainer instruction is deprecated in favor of using label',
  } satisfies Rule<readonly []>,
  undefinedArgInFrom: {
    name: 'UndefinedArgInFrom',
    description: 'FROM command must use declared ARGs',
    url: ruleUrl('undefined-arg-in-from'),
    message: (arg, suggestion) => `FROM argument '${arg}' is not declared${hint('', suggestion)}`,
  } satisfies Two,
  workdirRelativePath: {
    name: 'WorkdirRelativePath',
    description:
      'Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes',
    url: ruleUrl('workdir-relative-path'),
    message: path => `Relative workdir ${quote(path)} can have unexpected results if the base image changes`,
  } satisfies One,
  undefinedVar: {
    name: 'UndefinedVar',
    description: 'Variables should be defined before their use',
    url: ruleUrl('undefined-var'),
    message: (name, suggestion) => `Usage of undefined variable '$${name}'${hint('$', suggestion)}`,
  } satisfies Two,
  multipleInstructionsDisallowed: {
    name: 'MultipleInstructionsDisallowed',
    description: 'Multiple instructions of the same type should not be used in the same stage',
    url: ruleUrl('multiple-instructions-disallowed'),
    message: keyword =>
      `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`,
  } satisfies One,
  legacyKeyValueFormat: {
    name: 'LegacyKeyValueFormat',
    description: 'Legacy key/value format with whitespace separator should not be used',
    url: ruleUrl('legacy-key-value-format'),
    message: keyword =>
      `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`,
  } satisfies One,
  invalidBaseImagePlatform: {
    name: 'InvalidBaseImagePlatform',
    description: 'Base image platform does not match expected target platform',
    url: '',
    message: (image, expected, actual) =>
      `Base image ${image} was pulled with platform ${quote(actual)}, expected ${quote(expected)} for current build`,
  } satisfies Rule<readonly [string, string, string]>,
  redundantTargetPlatform: {
    name: 'RedundantTargetPlatform',
    description:
      'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
    url: ruleUrl('redundant-target-platform'),
    message: variable =>
      `Setting platform to predefined ${variable} in FROM is redundant as this is the default behavior`,
  } satisfies One,
  secretsUsedInArgOrEnv: {
    name: 'SecretsUsedInArgOrEnv',
    description: 'Sensitive data should not be used in the ARG or ENV commands',
    url: ruleUrl('secrets-used-in-arg-or-env'),
    message: (keyword, name) =>
      `Do not use ARG or ENV instructions for sensitive data (${keyword} ${quote(name)})`,
  } satisfies Two,
  invalidDefaultArgInFrom: {
    name: 'InvalidDefaultArgInFrom',
    description: 'Default value for global ARG results in an empty or invalid base image name',
    url: ruleUrl('invalid-default-arg-in-from'),
    message: base => `Default value for ARG ${base} results in empty or invalid base image name`,
  } satisfies One,
  fromPlatformFlagConstDisallowed: {
    name: 'FromPlatformFlagConstDisallowed',
    description: 'FROM --platform flag should not use a constant value',
    url: ruleUrl('from-platform-flag-const-disallowed'),
    message: platform => `FROM --platform flag should not use constant value ${quote(platform)}`,
  } satisfies One,
  copyIgnoredFile: {
    name: 'CopyIgnoredFile',
    description: 'Attempting to Copy file that is excluded by .dockerignore',
    url: ruleUrl('copy-ignored-file'),
    message: (keyword, file) =>
      `Attempting to ${keyword} file ${quote(file)} that is excluded by .dockerignore`,
  } satisfies Two,
  invalidDefinitionDescription: {
    name: 'InvalidDefinitionDescription',
    description:
      'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.',
    url: ruleUrl('invalid-definition-description'),
    experimental: true,
    message: (keyword, name) =>
      `Comment for ${keyword} should follow the format: \`# ${name} <description>\``,
  } satisfies Two,
  exposeProtoCasing: {
    name: 'ExposeProtoCasing',
    description: 'Protocol in EXPOSE instruction should be lowercase',
    url: ruleUrl('expose-proto-casing'),
    message: port => `Defined protocol '${port}' in EXPOSE instruction should be lowercase`,
  } satisfies One,
  exposeInvalidFormat: {
    name: 'ExposeInvalidFormat',
    description:
      'IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release',
    url: ruleUrl('expose-invalid-format'),
    message: port =>
      `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`,
  } satisfies One,
  undeclaredPlatformArg: {
    name: 'UndeclaredPlatformArg',
    description:
      'Platform arguments are empty in RUN until the stage declares them, so that cross builds silently use native values',
    url: '',
    advisory: true,
    message: name =>
      `RUN uses $${name}, which is empty here: declare it with "ARG ${name}" earlier in this stage`,
  } satisfies One,
}
