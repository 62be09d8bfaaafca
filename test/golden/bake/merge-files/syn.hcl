target "t" {
