target "default" {
  context = 'a'
}
