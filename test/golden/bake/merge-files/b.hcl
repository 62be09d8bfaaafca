variable "V" { default = "b" }
target "t" {
 tags = ["b"]
 args = { B = "2", V = V, N = null }
 labels = { m = "b" }
 annotations = ["y=2"]
 attest = ["type=provenance","type=sbom,generator=z"]
 cache-from = ["b"]
 cache-to = ["type=registry,ref=x"]
 contexts = { d = "b" }
 entitlements = ["security.insecure"]
 extra-hosts = { i = "2.2.2.2" }
 no-cache-filter = ["b"]
 output = ["b"]
 platforms = ["linux/arm64"]
 secret = ["id=b,env=HOME","id=a,env=PATH"]
 shm-size = "2m"
 ulimits = ["core=1","nofile=2"]
 inherits = ["q"]
 network = "host"
 resources = { memory = "2g" }
 policy = ["b.rego"]
 call = "outline"
 description = "b"
 target = "b"
}
group "g" { targets = ["q"] }
