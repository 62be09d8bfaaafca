variable "V" { default = "a" }
shared = "one"
function "f" {
 params = [x]
 result = "a-${x}"
}
target "t" {
 context = "a"
 tags = ["a"]
 args = { A = "1", B = "1" }
 labels = { l = "a" }
 annotations = ["x=1"]
 attest = ["type=sbom"]
 cache-from = ["a"]
 cache-to = ["type=inline"]
 contexts = { c = "a" }
 entitlements = ["network.host"]
 extra-hosts = { h = "1.1.1.1" }
 no-cache-filter = ["a"]
 output = ["a"]
 platforms = ["linux/amd64"]
 secret = ["id=a,env=HOME"]
 shm-size = "1m"
 ulimits = ["nofile=1"]
 inherits = ["p"]
 network = "none"
 resources = { memory = "1g", cpu-shares = 1 }
 policy = ["a.rego"]
 call = "check"
 description = "a"
 target = "a"
}
target "p" { dockerfile = "P" }
target "q" { dockerfile = "Q" }
group "g" { targets = ["t"] }
