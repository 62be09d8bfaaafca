target "web" { args = { hcl = "1" } }
