target "default" {
  args = {for x : x}
}
