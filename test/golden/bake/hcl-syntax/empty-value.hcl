target "default" {
  context =
}
