target "a" {
  matrix = { x = [] }
  name = "a-${x}"
}
group "default" { targets = ["a"] }
