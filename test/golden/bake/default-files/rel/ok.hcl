target "default" {
 context = "c"
 dockerfile = "D"
 contexts = { q = "./q", t = "docker-image://x", u = "../up" }
 cache-from = ["type=local,src=cache"]
 output = ["out"]
}
