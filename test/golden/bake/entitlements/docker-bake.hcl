target "default" { context = "." }
target "host" { network = "host" }
target "ent" { entitlements = ["network.host","security.insecure"] }
target "dev" { entitlements = ["device"] }
target "devx" { entitlements = ["device=vendor/x"] }
target "up" { context = "/usr" }
target "ctxs" { contexts = { a = "/usr/lib", b = "docker-image://x", c = "./sub" } }
target "out" { output = ["type=local,dest=/tmp/xx-out"] }
target "tar" { output = ["type=tar,dest=/tmp/xx/y/z.tar"] }
target "inside" { output = ["type=local,dest=./o"] }
target "cache" {
  cache-from = ["type=local,src=/tmp"]
  cache-to = ["type=local,dest=/tmp/cache"]
}
target "sec" { secret = ["id=a,src=/etc/hostname"] }
target "ssh" { ssh = ["default=/etc/hostname"] }
target "link" { context = "link" }
target "many" {
  context = "/usr"
  network = "host"
  entitlements = ["security.insecure"]
  output = ["type=local,dest=/tmp/o1"]
  secret = ["id=a,src=/etc/hostname"]
}
target "pol" { policy = ["filename=/etc/x.rego"] }
target "df" { dockerfile = "/etc/hostname" }
target "bogus" { entitlements = ["foo"] }
