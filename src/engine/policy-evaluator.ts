import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { PolicyAction, type Policy } from '../proto/gen/source-policy_pb.ts'
import type { ChecksumRequest } from '../proto/gen/gateway_pb.ts'
import { PolicyVerifier } from '../proto/gen/policysession_pb.ts'
import type { SessionStore } from '../session/session.ts'
import { callUnary } from '../session/transport/call.ts'
import { canonicalSource } from './canonical-source.ts'
import { platformMessage, platformOf } from './platform-message.ts'
import { metadataMessage, wantedAttestations } from './metadata-message.ts'
import type { SourceMetadata } from './source-metadata.ts'
import { applyPolicies, checkPolicies, type PolicySource } from './source-policy.ts'

/** What is asked of a source on behalf of a client that decides about it. */
export interface PolicyQuestion {
  readonly source: PolicySource
  readonly platform: Platform | undefined
  readonly resolveMode: string
  readonly logName: string
  readonly gitObjects: boolean
  readonly imageConfig: boolean
  readonly attestations: readonly string[] | undefined
  readonly checksum: ChecksumRequest | undefined
}

/** What policies of a build need. */
export interface PolicyEvaluatorOptions {
  /** Of the client's request; they apply to everything. */
  readonly policies: readonly Policy[]
  /** Session of the client that decides case by case; empty for none. */
  readonly session: string
  readonly sessions: SessionStore
  /** Finds out what a deciding client wants to know. No policy is asked about that. */
  readonly resolve: (question: PolicyQuestion) => Promise<SourceMetadata>
  readonly signal: AbortSignal
}

/** Questions that one source may take. */
const mostQuestions = 10

/** What a build may use as sources, and what it gets in their place. */
export class PolicyEvaluator {
  readonly #options: PolicyEvaluatorOptions

  constructor(options: PolicyEvaluatorOptions) {
    this.#options = options
    checkPolicies(options.policies)
  }

  /** Whether there is anything to ask. */
  get isEmpty(): boolean {
    return this.#options.policies.length === 0 && this.#options.session === ''
  }

  /**
   * The source that is to be used; the same object where no policy changes it. `more` are policies of a frontend. Throws
   * `permission-denied`.
   */
  async evaluate(
    source: PolicySource,
    platform: Platform | undefined,
    more: readonly Policy[] = [],
  ): Promise<PolicySource> {
    if (this.isEmpty && more.length === 0) return source
    checkPolicies(more)
    const normal = canonicalSource(source)
    const decided = await this.#decide(normal, platform, [...this.#options.policies, ...more], mostQuestions)
    return decided === normal ? source : decided
  }

  async #decide(
    source: PolicySource,
    platform: Platform | undefined,
    policies: readonly Policy[],
    questions: number,
  ): Promise<PolicySource> {
    const current = applyPolicies(source, policies)
    const { session, sessions, signal, resolve } = this.#options
    if (session === '') return current
    const { transport } = await sessions.get(session, { signal })
    let known: SourceMetadata = { source: current }
    for (let left = questions; left > 0; left--) {
      const request = {
        Source: metadataMessage(known),
        ...(platform ? { Platform: platformMessage(platform) } : {}),
      }
      const { result } = await callUnary(transport, PolicyVerifier.method.checkPolicy, request, { signal })
      if (result.case === 'request') {
        const { Source, Platform: wanted, ResolveMode, LogName, Git, Image, HTTP } = result.value
        checkSame(current, Source)
        const question = {
          source: current,
          platform: platformOf(wanted),
          resolveMode: ResolveMode,
          logName: LogName,
          gitObjects: Git?.ReturnObject ?? false,
          imageConfig: Image?.NoConfig !== true,
          attestations: wantedAttestations(Image),
          checksum: HTTP?.ChecksumRequest,
        }
        known = await resolve(question).catch((e: unknown) => {
          throw wrapError('error resolving source metadata from policy request', e)
        })
        continue
      }
      if (result.case === undefined) throw new SlipwayError('unknown', 'no decision in policy response')
      const { action, update, denyMessages } = result.value
      if (action === PolicyAction.ALLOW) return current
      if (action === PolicyAction.CONVERT) {
        if (update === undefined) throw new SlipwayError('unknown', 'convert action requires updated source')
        const converted = canonicalSource({ identifier: update.identifier, attrs: update.attrs })
        return this.#decide(converted, platform, policies, left - 1)
      }
      throw denied(
        `source ${JSON.stringify(current.identifier)} not allowed by policy: action ${action === PolicyAction.DENY ? 'DENY' : String(action)}`,
        denyMessages.map(one => one.message),
      )
    }
    throw new SlipwayError('unknown', 'too many policy requests')
  }
}

/** A refusal with the client's own words, in the form that Go's clients read them. */
function denied(message: string, words: readonly string[]): SlipwayError {
  if (words.length === 0) return new SlipwayError('permission-denied', message)
  const json = JSON.stringify({
    action: PolicyAction.DENY,
    denyMessages: words.map(one => ({ message: one })),
  })
  return new SlipwayError('permission-denied', message, {
    hint: words.join('; '),
    details: [{ type: 'slipway.Passed', name: 'policysession.DecisionResponse+json', json }],
  })
}

function checkSame(source: PolicySource, asked: PolicySource | undefined): void {
  if (asked?.identifier !== source.identifier) {
    const names = [asked?.identifier ?? '', source.identifier].map(name => JSON.stringify(name))
    throw new SlipwayError('unknown', `policy requested different source identifier: ${names.join(' != ')}`)
  }
  const isSame =
    Object.keys(asked.attrs).length === Object.keys(source.attrs).length &&
    Object.entries(asked.attrs).every(([key, value]) => source.attrs[key] === value)
  if (!isSame) throw new SlipwayError('unknown', 'policy requested different source attrs')
}
