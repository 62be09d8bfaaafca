target "default" { context = "o" }
