target "default" {
  context: "a"
}
