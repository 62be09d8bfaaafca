target "default" {
 context = "c"
 dockerfile = "D"
 contexts = { q = "./q", t = "docker-image://x", u = "../up" }
 secret = ["id=a,src=s.txt"]
 cache-from = ["type=local,src=cache"]
 output = ["out"]
}
