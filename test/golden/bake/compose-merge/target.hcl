target "web" {
 args = { H = "hcl" }
 tags = ["hcl"]
}
target "extra" { inherits = ["web"] }
group "default" { targets = ["extra"] }
