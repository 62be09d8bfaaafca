group "g" {
  name = "g-${x}"
  matrix = { x = ["a"] }
  targets = [x]
}
target "a" {}
