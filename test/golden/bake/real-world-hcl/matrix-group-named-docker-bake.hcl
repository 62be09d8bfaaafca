group "b" { targets = ["x"] }
target "x" {}
target "b" {
  name = "b-${x}"
  matrix = { x = ["1", "2"] }
}
