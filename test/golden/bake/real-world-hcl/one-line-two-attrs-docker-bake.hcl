target "a" { context = "x" dockerfile = "y" }
