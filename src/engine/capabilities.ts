interface Capability {
  ID: string
  Enabled: boolean
}

const enabled = (ids: string): Capability[] =>
  ids
    .trim()
    .split(/\s+/)
    .map(ID => ({ ID, Enabled: true }))

/** What frontends may ask of the bridge. Ids: https://github.com/moby/buildkit/blob/v0.32.2/frontend/gateway/pb/caps.go */
export function frontendCapabilities(): Capability[] {
  return enabled(`
    solve.base solve.inlinereturn resolveimage resolveimage.resolvemode readfile return returnmap readdir statfile
    importcaches proto.refarray reference.output frontend.inputs frontend.caps gateway.solve.metadata
    gateway.solve.evaluate gateway.evaluate gateway.warnings reference.attestations source.metaresolver
    source.metaresolver.image.attestations source.metaresolver.http.checksumrequest
    gateway.exec gateway.exec.extrahosts gateway.exec.secretenv gateway.exec.signals gateway.exec.filesystem`)
}

/**
 * What definitions may contain. One id is misspelt upstream, and so it is here.
 * Ids: https://github.com/moby/buildkit/blob/v0.32.2/solver/pb/caps.go
 */
export function llbCapabilities(): Capability[] {
  return enabled(`
    source.image source.image.resolvemode source.image.layerlimit source.image.checksum
    source.imageblob source.ocilayout
    source.git source.git.keepgitdir source.git.fullurl source.git.httpauth source.git.knownsshhosts
    source.git.mountsshsock source.git.subdir source.git.checksum source.git.skipsubmodules source.git.mtime
    source.git.fetchbycommit source.git.signatureverify source.git.bundle
    source.git.checkoutbundle
    source.http source.http.auth source.http.checksum source.http.perm soruce.http.uidgid source.http.header
    source.http.signatureverify
    source.policy
    source.local source.local.unique source.local.sessionid source.local.includepatterns source.local.followpaths
    source.local.excludepatterns source.local.sharedkeyhint source.local.differ source.local.metadatatransfer
    exec.meta.base exec.meta.cgroup.parent exec.meta.network exec.meta.network.proxy exec.meta.proxyenv exec.meta.security
    exec.meta.cdi exec.meta.security.devices.v1 exec.meta.setsdefaultpath exec.meta.ulimit exec.meta.removemountstubs.recursive exec.meta.linux.resources
    exec.mount.bind exec.mount.bind.readwrite-nooutput exec.mount.cache exec.mount.cache.sharing exec.mount.selector
    exec.mount.tmpfs exec.mount.tmpfs.size exec.mount.secret exec.mount.ssh exec.mount.cache.content
    exec.cgroup exec.secretenv exec.validexitcode
    file.base file.rm.wildcard file.rm.nofollowsymlink file.copy.includeexcludepatterns file.copy.requiredpaths
    file.copy.alwaysreplaceexistingdestpaths file.copy.modestring file.symlink.create
    constraints platform meta.ignorecache meta.description meta.exportcache cache.gha cache.s3 cache.azblob mergeop diffop passthroughop
    source.buildop.llbfilename source.policy.session
    exporter.image.annotations exporter.image.attestations exporter.sourcedateepoch exporter.multiple
    exporter.session
    gc.freespacefilter history.filter`)
}
