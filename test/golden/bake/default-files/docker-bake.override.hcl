target "web" { context = "over" }
group "default" { targets = ["web"] }
