import type { Outcome } from './outcome.ts'

/** Where layers deliberately become something else than BuildKit makes of them, and why. */
export const layerDifferences: Readonly<Record<string, Outcome & { readonly why: string }>> = {
  'symlink: directory replaced in the same layer': {
    why: 'BuildKit gives the time of the directory that is gone to what the new link leads to.',
    tree: [
      '"d" symlink 777 0:0 1000000000 -> "/var/tmp/slipway-canary"',
      '"var/" directory 755 0:0 now',
      '"var/tmp/" directory 755 0:0 now',
      '"var/tmp/slipway-canary/" directory 755 0:0 now',
      '"var/tmp/slipway-canary/file" file 644 0:0 1000000000 1 25df7d14',
    ],
  },
  'hard link: to an earlier layer': {
    why: 'Docker, umoci and GNU tar take links to files of earlier layers, BuildKit only to those of the same.',
    tree: ['"a" file 4755 5:0 1000000000 1 5cc3a655', '"b" hardlink 4755 5:0 1000000000 -> "a"'],
  },
  'hard link: to an earlier layer, a directory deeper': {
    why: 'Docker, umoci and GNU tar take links to files of earlier layers, BuildKit only to those of the same.',
    tree: [
      '"b" file 644 0:0 1000000000 1 5cc3a655',
      '"d/" directory 700 0:0 5',
      '"d/a" hardlink 644 0:0 1000000000 -> "b"',
    ],
  },
  'hard link: to an earlier layer, a symlink': {
    why: 'Docker, umoci and GNU tar take links to files of earlier layers, BuildKit only to those of the same.',
    tree: [
      '"a" symlink 777 0:0 1000000000 -> "/etc/passwd"',
      '"b" symlink 777 0:0 1000000000 -> "/etc/passwd"',
    ],
  },
  'hard link: to what a whiteout removed': {
    why: 'BuildKit links to the whiteout itself.',
    error: 'failed to extract layer: link a b: no such file or directory',
    code: 1,
  },
  'node: 0,0 in the first layer': {
    why: 'Overlayfs takes such a device for a whiteout as soon as there is a second layer; here it is one from the first on.',
    tree: [],
  },
  'whiteout: in the first layer': {
    why: 'Whiteouts speak of earlier layers only (OCI image-spec, layer.md): in whatever order they stand, what the layer brings itself stays, and nothing of before shows again.',
    tree: ['"a" file 644 0:0 1000000000 1 5cc3a655'],
  },
  'whiteout: opaque, of the root': {
    why: 'Overlayfs knows no opaque roots, and BuildKit shows everything below; by the specification nothing of it is left.',
    tree: ['"new" file 644 0:0 1000000000 1 02ffb835'],
  },
  'whiteout: opaque, of the root, last': {
    why: 'Overlayfs knows no opaque roots, and BuildKit shows everything below; by the specification nothing of it is left.',
    tree: [
      '"d/" directory 755 0:0 1000000000',
      '"d/z" file 644 0:0 1000000000 1 bbd18457',
      '"new" file 644 0:0 1000000000 1 02ffb835',
    ],
  },
  'whiteout: other bookkeeping': {
    why: 'What AUFS kept for itself is left out, as by Docker.',
    tree: [
      '"d/" directory 755 0:0 1000000000',
      '"d/a" file 644 0:0 1000000000 1 cf6d9263',
      '"d/b" file 644 0:0 1000000000 1 840fca44',
      '"e/" directory 711 0:0 7',
      '"e/x" file 644 0:0 1000000000 1 25df7d14',
      '"f" file 644 0:0 1000000000 1 8f259ce1',
    ],
  },
  'whiteout: after the same name': {
    why: 'Whiteouts speak of earlier layers only (OCI image-spec, layer.md): in whatever order they stand, what the layer brings itself stays, and nothing of before shows again.',
    tree: [
      '"d/" directory 755 0:0 1000000000',
      '"d/a" file 644 0:0 1000000000 1 cf6d9263',
      '"d/b" file 644 0:0 1000000000 1 840fca44',
      '"e/" directory 711 0:0 7',
      '"e/x" file 644 0:0 1000000000 1 25df7d14',
      '"f" file 644 0:0 1000000000 3 c1707ccd',
    ],
  },
  'whiteout: then the same directory': {
    why: 'Whiteouts speak of earlier layers only (OCI image-spec, layer.md): in whatever order they stand, what the layer brings itself stays, and nothing of before shows again.',
    tree: [
      '"d/" directory 700 0:0 1000000000',
      '"d/n" file 644 0:0 1000000000 1 02ffb835',
      '"e/" directory 711 0:0 7',
      '"e/x" file 644 0:0 1000000000 1 25df7d14',
      '"f" file 644 0:0 1000000000 1 8f259ce1',
    ],
  },
  'whiteout: then a file in the directory': {
    why: 'Whiteouts speak of earlier layers only (OCI image-spec, layer.md): in whatever order they stand, what the layer brings itself stays, and nothing of before shows again.',
    tree: [
      '"d/" directory 755 0:0 now',
      '"d/n" file 644 0:0 1000000000 1 02ffb835',
      '"e/" directory 711 0:0 7',
      '"e/x" file 644 0:0 1000000000 1 25df7d14',
      '"f" file 644 0:0 1000000000 1 8f259ce1',
    ],
  },
  'whiteout: after the same directory': {
    why: 'Whiteouts speak of earlier layers only (OCI image-spec, layer.md): in whatever order they stand, what the layer brings itself stays, and nothing of before shows again.',
    tree: [
      '"d/" directory 700 0:0 1000000000',
      '"d/n" file 644 0:0 1000000000 1 02ffb835',
      '"e/" directory 711 0:0 7',
      '"e/x" file 644 0:0 1000000000 1 25df7d14',
      '"f" file 644 0:0 1000000000 1 8f259ce1',
    ],
  },
  'whiteout: below a whiteout': {
    why: 'Whiteouts speak of earlier layers only (OCI image-spec, layer.md): in whatever order they stand, what the layer brings itself stays, and nothing of before shows again.',
    tree: [
      '"d/" directory 755 0:0 now',
      '"e/" directory 711 0:0 7',
      '"e/x" file 644 0:0 1000000000 1 25df7d14',
      '"f" file 644 0:0 1000000000 1 8f259ce1',
    ],
  },
  'whiteout: of the parent, later': {
    why: 'Whiteouts speak of earlier layers only (OCI image-spec, layer.md): in whatever order they stand, what the layer brings itself stays, and nothing of before shows again.',
    tree: [
      '"d/" directory 755 0:0 1000000000',
      '"e/" directory 711 0:0 7',
      '"e/x" file 644 0:0 1000000000 1 25df7d14',
      '"f" file 644 0:0 1000000000 1 8f259ce1',
    ],
  },
  'twice: directory, then symlink': {
    why: 'BuildKit gives the time of the directory that is gone to what the new link leads to.',
    tree: ['"a" symlink 777 0:0 1000000000 -> "x"'],
  },
  'twice: directory, file, directory, in one layer': {
    why: 'Whiteouts speak of earlier layers only (OCI image-spec, layer.md): in whatever order they stand, what the layer brings itself stays, and nothing of before shows again.',
    tree: ['"a/" directory 755 0:0 1000000000', '"a/c" file 644 0:0 1000000000 1 dcbcbaa9'],
  },
  'pax: global header below a directory': {
    why: 'A global header makes no directories.',
    tree: ['"f" file 644 0:0 1000000000 1 5cc3a655'],
  },
  'pax: global header climbs': {
    why: 'A global header makes no directories.',
    tree: ['"f" file 644 0:0 1000000000 1 5cc3a655'],
  },
  'xattr: opaque of overlayfs for users': {
    why: 'The marks of overlayfs in user namespaces are no attributes of a file.',
    tree: [
      '"d/" directory 755 0:0 1000000000',
      '"d/a" file 644 0:0 1000000000 1 cf6d9263',
      '"d/b" file 644 0:0 1000000000 1 840fca44',
      '"e/" directory 711 0:0 7',
      '"e/x" file 644 0:0 1000000000 1 25df7d14',
      '"f" file 644 0:0 1000000000 1 8f259ce1',
    ],
  },
  'gnu: sparse': {
    why: 'GNU tar reads it, and so does umoci in part.',
    tree: ['"sparse" file 644 0:0 1000000000 4096 b719e6c7'],
  },
  'gnu: sparse, no data': {
    why: 'GNU tar reads it, and so does umoci in part.',
    tree: ['"sparse" file 644 0:0 1000000000 4096 69d90047'],
  },
  'gnu: sparse, with a block of extents': {
    why: 'GNU tar reads it, and so does umoci in part.',
    tree: ['"sparse" file 644 0:0 1000000000 8192 e1607717'],
  },
  'gnu: sparse, a hole of 30 MB': {
    why: 'GNU tar reads it, and so does umoci in part.',
    tree: ['"sparse" file 644 0:0 1000000000 30000003'],
  },
  'gnu: sparse 1.0, negative count': {
    why: 'GNU tar reads it, and so does umoci in part.',
    error: 'failed to extract layer: archive/tar: invalid tar header',
    code: 1,
  },
  'gnu: volume label': {
    why: 'GNU tar reads it, and so does umoci in part.',
    tree: ['"g" file 644 0:0 1000000000 1 5cc3a655'],
  },
  'gnu: volume label with content': {
    why: 'GNU tar reads it, and so does umoci in part.',
    tree: ['"g" file 644 0:0 1000000000 1 5cc3a655'],
  },
  'type: contiguous': {
    why: 'GNU tar reads it, and so does umoci in part.',
    tree: ['"f" file 644 0:0 1000000000 1 25df7d14', '"g" file 644 0:0 1000000000 1 5cc3a655'],
  },
  'archive: no bytes': {
    why: 'An empty blob is an empty layer.',
    tree: [],
  },
  'packed: gzip with zeros behind': {
    why: 'What follows the packed archive is passed over; its diffID is right.',
    tree: ['"f" file 644 0:0 1000000000 30 b70f92ab'],
  },
  'packed: zstd with garbage behind': {
    why: 'What follows the packed archive is passed over; its diffID is right.',
    tree: ['"f" file 644 0:0 1000000000 32 2a8c6e4f'],
  },
  'packed: gzip as tar': {
    why: 'The first bytes decide how a layer is packed, whatever its type says.',
    tree: ['"f" file 644 0:0 1000000000 19 cbe91d58'],
  },
  'diffID: of another layer': {
    why: 'BuildKit does not look whether layers are what the configuration says; Docker, containerd and umoci do.',
    error: 'wrong diff id calculated on extraction',
    code: 1,
  },
  'diffID: second layer is wrong': {
    why: 'BuildKit does not look whether layers are what the configuration says; Docker, containerd and umoci do.',
    error: 'wrong diff id calculated on extraction',
    code: 1,
  },
}
