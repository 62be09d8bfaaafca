target "a" {
  matrix = { x = [null, "b", 1, true, 1.5] }
  name = "a-${x == null ? "null" : replace(tostring(x), ".", "_")}"
}
