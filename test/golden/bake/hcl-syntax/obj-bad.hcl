target "default" {
  args = { a }
}
