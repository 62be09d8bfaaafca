group "default" { targets = ["a"] }
target "a" { context = "." }
