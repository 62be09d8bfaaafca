/**
 * Objects of Kubernetes in the protobuf form in which Go's clients send them, as the JSON that other clients send.
 * Numbers and names: k8s.io/api and k8s.io/apimachinery, generated.proto. What is in no table shows up under its number.
 */

/** How a field's bytes are read. */
type Kind =
  | 'text'
  | 'number'
  | 'flag'
  | 'bytes'
  | Schema
  | { readonly map: 'text' | Schema }
  | { readonly inline: Schema }
interface Field {
  readonly name: string
  readonly kind: Kind
  readonly repeated?: boolean
}
interface Schema {
  readonly fields: Readonly<Record<number, Field>>
  /** The value is that of this only field. */
  readonly unwrap?: string
}

const one = (name: string, kind: Kind = 'text'): Field => ({ name, kind })
const many = (name: string, kind: Kind = 'text'): Field => ({ name, kind, repeated: true })

const quantity: Schema = { fields: { 1: one('string') }, unwrap: 'string' }
const metadata: Schema = {
  fields: {
    1: one('name'),
    3: one('namespace'),
    // Always there and always empty: the server fills it in.
    8: one('', { inline: { fields: {} } }),
    11: one('labels', { map: 'text' }),
    12: one('annotations', { map: 'text' }),
  },
}
const selector: Schema = { fields: { 1: one('matchLabels', { map: 'text' }) } }
const resources: Schema = {
  fields: { 1: one('limits', { map: quantity }), 2: one('requests', { map: quantity }) },
}
const handler: Schema = { fields: { 1: one('exec', { fields: { 1: many('command') } }) } }
const probe: Schema = {
  fields: {
    1: one('', { inline: handler }),
    2: one('initialDelaySeconds', 'number'),
    3: one('timeoutSeconds', 'number'),
    4: one('periodSeconds', 'number'),
    5: one('successThreshold', 'number'),
    6: one('failureThreshold', 'number'),
  },
}
const securityContext: Schema = {
  fields: { 2: one('privileged', 'flag'), 11: one('seccompProfile', { fields: { 1: one('type') } }) },
}
const container: Schema = {
  fields: {
    1: one('name'),
    2: one('image'),
    3: many('command'),
    4: many('args'),
    5: one('workingDir'),
    7: many('env', { fields: { 1: one('name'), 2: one('value') } }),
    8: one('resources', resources),
    9: many('volumeMounts', {
      fields: { 1: one('name'), 2: one('readOnly', 'flag'), 3: one('mountPath'), 4: one('subPath') },
    }),
    10: one('livenessProbe', probe),
    11: one('readinessProbe', probe),
    13: one('terminationMessagePath'),
    14: one('imagePullPolicy'),
    15: one('securityContext', securityContext),
    16: one('stdin', 'flag'),
    17: one('stdinOnce', 'flag'),
    18: one('tty', 'flag'),
    20: one('terminationMessagePolicy'),
  },
}
const volumeSource: Schema = {
  fields: {
    2: one('emptyDir', { fields: { 1: one('medium'), 2: one('sizeLimit', quantity) } }),
    19: one('configMap', { fields: { 1: one('', { inline: { fields: { 1: one('name') } } }) } }),
  },
}
const podSpec: Schema = {
  fields: {
    1: many('volumes', { fields: { 1: one('name'), 2: one('', { inline: volumeSource }) } }),
    2: many('containers', container),
    3: one('restartPolicy'),
    6: one('dnsPolicy'),
    7: one('nodeSelector', { map: 'text' }),
    8: one('serviceAccountName'),
    9: one('serviceAccount'),
    10: one('nodeName'),
    11: one('hostNetwork', 'flag'),
    12: one('hostPID', 'flag'),
    13: one('hostIPC', 'flag'),
    16: one('hostname'),
    17: one('subdomain'),
    19: one('schedulerName'),
    20: many('initContainers', container),
    22: many('tolerations', {
      fields: {
        1: one('key'),
        2: one('operator'),
        3: one('value'),
        4: one('effect'),
        5: one('tolerationSeconds', 'number'),
      },
    }),
    24: one('priorityClassName'),
  },
}
const template: Schema = { fields: { 1: one('metadata', metadata), 2: one('spec', podSpec) } }
const claim: Schema = {
  fields: {
    1: one('metadata', metadata),
    2: one('spec', {
      fields: { 1: many('accessModes'), 2: one('resources', resources), 3: one('volumeName') },
    }),
    3: one('status', { fields: { 1: one('phase') } }),
  },
}
const usual = {
  1: one('replicas', 'number'),
  2: one('selector', selector),
  3: one('template', template),
} as const

const kinds: Readonly<Record<string, Schema>> = {
  ConfigMap: { fields: { 1: one('metadata', metadata), 2: one('data', { map: 'text' }) } },
  Deployment: {
    fields: {
      1: one('metadata', metadata),
      2: one('spec', {
        fields: {
          ...usual,
          4: one('strategy', { fields: { 1: one('type') } }),
          5: one('minReadySeconds', 'number'),
          7: one('paused', 'flag'),
        },
      }),
      3: one('status', { fields: {} }),
    },
  },
  StatefulSet: {
    fields: {
      1: one('metadata', metadata),
      2: one('spec', {
        fields: {
          ...usual,
          4: many('volumeClaimTemplates', claim),
          5: one('serviceName'),
          6: one('podManagementPolicy'),
          7: one('updateStrategy', { fields: { 1: one('type') } }),
          9: one('minReadySeconds', 'number'),
        },
      }),
      3: one('status', { fields: {} }),
    },
  },
  DeleteOptions: { fields: {} },
}

const unknown: Schema = {
  fields: {
    1: one('typeMeta', { fields: { 1: one('apiVersion'), 2: one('kind') } }),
    2: one('raw', 'bytes'),
  },
}

/** Whether a request's body is in this form. */
export const isKubeProtobuf = (contentType: string | undefined): boolean =>
  contentType?.startsWith('application/vnd.kubernetes.protobuf') === true

/** Reads a request's body. */
export function readKubeProtobuf(body: Buffer): Record<string, unknown> {
  if (body.subarray(0, 4).toString('latin1') !== 'k8s\0') throw new Error('not an object of Kubernetes')
  const outer = readMessage(body.subarray(4), unknown) as {
    readonly typeMeta?: { readonly apiVersion?: string; readonly kind?: string }
    readonly raw?: Buffer
  }
  const { apiVersion = '', kind = '' } = outer.typeMeta ?? {}
  const schema = kinds[kind]
  if (schema === undefined) throw new Error(`no table for ${kind}`)
  return { apiVersion, kind, ...(readMessage(outer.raw ?? Buffer.alloc(0), schema) as object) }
}

function readMessage(bytes: Buffer, schema: Schema): unknown {
  const value: Record<string, unknown> = {}
  for (let at = 0; at < bytes.length; ) {
    const [tag, afterTag] = readVarint(bytes, at)
    const number = Number(tag >> 3n)
    const field = schema.fields[number]
    at = afterTag
    if ((tag & 7n) === 0n) {
      const [raw, next] = readVarint(bytes, at)
      at = next
      const read = field?.kind === 'flag' ? raw !== 0n : Number(BigInt.asIntN(64, raw))
      value[field?.name ?? `#${number}`] = read
      continue
    }
    const [size, start] = readVarint(bytes, at)
    at = start + Number(size)
    put(value, bytes.subarray(start, at), field ?? one(`#${number}`, 'text'))
  }
  return schema.unwrap === undefined ? value : value[schema.unwrap]
}

function put(value: Record<string, unknown>, data: Buffer, { name, kind, repeated }: Field): void {
  if (typeof kind === 'object' && 'inline' in kind) {
    Object.assign(value, readMessage(data, kind.inline))
    return
  }
  if (typeof kind === 'object' && 'map' in kind) {
    const entry = readMessage(data, { fields: { 1: one('key'), 2: one('value', kind.map) } }) as {
      readonly key?: string
      readonly value?: unknown
    }
    value[name] = { ...(value[name] as object), [entry.key ?? '']: entry.value ?? '' }
    return
  }
  const read =
    kind === 'bytes' ? data : typeof kind === 'object' ? readMessage(data, kind) : data.toString('utf8')
  if (repeated === true) value[name] = [...((value[name] as unknown[] | undefined) ?? []), read]
  else value[name] = read
}

function readVarint(bytes: Buffer, start: number): [value: bigint, next: number] {
  let value = 0n
  for (let at = start, shift = 0n; ; at++, shift += 7n) {
    const byte = bytes[at]
    if (byte === undefined) throw new Error('the object ends early')
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return [value, at + 1]
  }
}
