target "default" {
  context = "%{if true}x"
}
