import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'smol-toml'
import { checkConfig } from './check-config.ts'

test('Settings of another kind than they have to be are refused, not passed over.', () => {
  const wrong: Readonly<Record<string, string>> = {
    'root = 3': 'root: a text is wanted, not an integer',
    'insecure-entitlements = "device"': 'insecure-entitlements: a list of texts is wanted, not a text',
    'debug = "yes"': 'debug: true or false is wanted, not a text',
    'worker = 1979-05-27': 'worker: a table is wanted, not a time',
    '[worker]\noci = true': 'worker.oci: a table is wanted, not true',
    '[worker.oci]\ngcpolicy = 3': 'worker.oci.gcpolicy: a list of tables is wanted, not an integer',
    '[[worker.oci.gcpolicy]]\nfilters = [1]':
      'worker.oci.gcpolicy[0].filters: a list of texts is wanted, not a list',
    '[worker.oci]\nmax-parallelism = "4"': 'worker.oci.max-parallelism: an integer is wanted, not a text',
    '[worker.oci]\nmax-parallelism = 1.5': 'worker.oci.max-parallelism: an integer is wanted, not a number',
    '[worker.oci]\nreservedSpace = false':
      'worker.oci.reservedSpace: a number or a text is wanted, not false',
    '[worker.oci.labels]\n"a.b" = 1': 'worker.oci.labels."a.b": a text is wanted, not an integer',
    '[registry."docker.io"]\nmirrors = "m"':
      'registry."docker.io".mirrors: a list of texts is wanted, not a text',
    '[[registry."x".keypair]]\nkey = 1': 'registry.x.keypair[0].key: a text is wanted, not an integer',
    '[frontend."gateway.v0"]\nenabled = 0':
      'frontend."gateway.v0".enabled: true or false is wanted, not an integer',
  }
  for (const [text, message] of Object.entries(wrong))
    assert.throws(() => checkConfig(parse(text)), { code: 'invalid-argument', message }, text)
})

test('Settings that nobody knows are left alone, amounts are numbers or texts.', () => {
  checkConfig(
    parse(`unknown = 1
[worker.oci]
other = 2
gckeepstorage = 9000
reservedSpace = "10%"
[[worker.oci.gcpolicy]]
keepDuration = "48h"
keepBytes = 5
[worker.containerd]
[history]
maxAge = 172800
[registry."x"]
http = true
[dns]
nameservers = ["1.1.1.1"]`),
  )
})
