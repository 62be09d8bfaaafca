target "a" {
 tags = ["a:1"]
}
target "img" { output = ["type=image,name=x"] }
target "reg" { output = ["type=registry"] }
target "loc" { output = ["out"] }
target "doc" { output = ["type=docker"] }
target "oci" { output = ["type=docker,dest=x.tar"] }
target "link" { contexts = { q = "target:img" } }
target "call" { call = "check" }
target "att" { attest = ["type=provenance,mode=max"] }
target "nc" {
 no-cache = true
 pull = true
}
group "default" { targets = ["a"] }
