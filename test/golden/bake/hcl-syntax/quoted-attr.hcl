target "default" {
  "context" = "a"
}
