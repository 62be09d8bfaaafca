target "default" {
  context = true
   ? "a" : "b"
}
