target "b" { tags = ["x"] }
target "a" {
  matrix = { x = target.b.tags }
  name = "a-${x}"
}
