import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ListedDevice } from '../executor/cdi/cdi-registry.ts'
import type { WorkerRecordSchema } from '../proto/gen/worker_pb.ts'
import type { EngineServices } from './services.ts'
import { buildkitVersion } from './version.ts'

/** The engine's worker as clients see it, with the devices that its machine has. */
export function workerRecord(
  services: EngineServices,
  devices: readonly ListedDevice[] = [],
): MessageInitShape<typeof WorkerRecordSchema> {
  return {
    ID: services.workerId,
    Labels: {
      'org.mobyproject.buildkit.worker.executor': 'oci',
      'org.mobyproject.buildkit.worker.hostname': services.hostname,
      'org.mobyproject.buildkit.worker.network': services.exec.executor.networkMode,
      'org.mobyproject.buildkit.worker.oci.process-mode': 'sandbox',
      'org.mobyproject.buildkit.worker.selinux.enabled': 'false',
      'org.mobyproject.buildkit.worker.snapshotter':
        services.snapshotter.kind === 'overlay' ? 'overlayfs' : 'native',
      ...services.labels,
    },
    platforms: services.platforms().map(platform => ({
      OS: platform.os,
      Architecture: platform.architecture,
      Variant: platform.variant ?? '',
    })),
    GCPolicy: services.usage.rules().map(rule => ({
      all: rule.all ?? false,
      filters: [...(rule.filters ?? [])],
      keepDuration: BigInt(rule.keepDurationMs ?? 0) * 1_000_000n,
      reservedSpace: BigInt(rule.reservedSpace ?? 0),
      maxUsedSpace: BigInt(rule.maxUsedSpace ?? 0),
      minFreeSpace: BigInt(rule.minFreeSpace ?? 0),
    })),
    BuildkitVersion: { ...buildkitVersion },
    CDIDevices: devices.map(({ name, annotations, autoAllow }) => ({
      Name: name,
      AutoAllow: autoAllow,
      Annotations: { ...annotations },
    })),
  }
}
