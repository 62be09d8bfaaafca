target "default" {
  context = a.*
}
