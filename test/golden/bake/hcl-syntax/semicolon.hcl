target "default" {
  context = "a";
}
