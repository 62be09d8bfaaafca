target "a" {
 context = "a"
 tags = ["a:1"]
 args = { X = "1" }
 labels = { l = "1" }
 output = ["type=image"]
 cache-from = ["r/a"]
 secret = ["id=s,env=HOME"]
 platforms = ["linux/amd64"]
}
target "ab" {
 inherits = ["a"]
 context = "b"
}
group "default" { targets = ["a"] }
group "g" { targets = ["a","ab"] }
