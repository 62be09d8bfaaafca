import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  CacheSharingOpt,
  type ExecOp,
  ExecOpSchema,
  type MountSchema,
  MountContentCache,
  MountType,
  NetMode,
  SecurityMode,
} from '../proto/gen/ops_pb.ts'
import { hasOutput } from './exec.ts'
import type { InputList } from './input-list.ts'
import type { ExecMount, ExecSecret, ExecSsh, ExecVertex } from './vertex.ts'

type MountInit = MessageInitShape<typeof MountSchema>

const networks = { sandbox: NetMode.UNSET, host: NetMode.HOST, none: NetMode.NONE }
const securities = { sandbox: SecurityMode.SANDBOX, insecure: SecurityMode.INSECURE }
const sharings = {
  shared: CacheSharingOpt.SHARED,
  private: CacheSharingOpt.PRIVATE,
  locked: CacheSharingOpt.LOCKED,
}
const contentCaches = { on: MountContentCache.ON, off: MountContentCache.OFF }

/** The wire form of a step; its inputs go into `inputs`. */
export function marshalExec(vertex: ExecVertex, inputs: InputList): ExecOp {
  const { args, env, cwd, user, hostname, cgroupParent, proxy } = vertex
  const secretEnvs = vertex.secrets.filter(secret => secret.env !== undefined)
  return create(ExecOpSchema, {
    meta: {
      args: [...args],
      env: [...env],
      cwd,
      user,
      hostname,
      cgroupParent,
      removeMountStubsRecursive: true,
      validExitCodes: [...(vertex.validExitCodes ?? [])],
      extraHosts: vertex.extraHosts.map(({ host, ip }) => ({ Host: host, IP: ip })),
      ulimit: vertex.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
      ...(proxy === undefined
        ? {}
        : {
            proxyEnv: {
              httpProxy: proxy.http,
              httpsProxy: proxy.https,
              ftpProxy: proxy.ftp,
              noProxy: proxy.no,
              allProxy: proxy.all,
            },
          }),
    },
    network: networks[vertex.network],
    security: securities[vertex.security],
    cdiDevices: vertex.devices.map(({ name, optional }) => ({ name, optional })),
    mounts: [
      ...treeMounts(vertex.mounts, inputs),
      ...vertex.secrets.filter(secret => secret.target !== undefined).map(secretMount),
      ...vertex.ssh.map(sshMount),
    ],
    secretenv: secretEnvs.map(({ id, env: name = '', optional }) => ({ ID: id, name, optional })),
  })
}

function treeMounts(mounts: readonly ExecMount[], inputs: InputList): MountInit[] {
  let outputs = 0
  return mounts.map(mount => ({
    input: BigInt(inputs.add(mount.source)),
    dest: mount.target,
    readonly: mount.readonly ?? false,
    output: BigInt(hasOutput(mount) ? outputs++ : -1),
    selector: mount.selector ?? '',
    ...(mount.contentCache === undefined ? {} : { contentCache: contentCaches[mount.contentCache] }),
    ...kindOf(mount),
  }))
}

function kindOf(mount: ExecMount): MountInit {
  if (mount.cache !== undefined) {
    const { id, sharing } = mount.cache
    return { mountType: MountType.CACHE, cacheOpt: { ID: id, sharing: sharings[sharing] } }
  }
  if (mount.tmpfs !== undefined) {
    return { mountType: MountType.TMPFS, TmpfsOpt: { size: BigInt(mount.tmpfs.size) } }
  }
  return {}
}

function secretMount(secret: ExecSecret): MountInit {
  const { id, target = '', uid, gid, mode, optional } = secret
  const secretOpt = { ID: id, uid, gid, mode, optional }
  return { input: -1n, dest: target, mountType: MountType.SECRET, secretOpt }
}

function sshMount(agent: ExecSsh): MountInit {
  const { id, target, uid, gid, mode, optional } = agent
  return { input: -1n, dest: target, mountType: MountType.SSH, SSHOpt: { ID: id, uid, gid, mode, optional } }
}
