target "default" {
  context = "%{what}"
}
