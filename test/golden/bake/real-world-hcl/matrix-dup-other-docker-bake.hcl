target "b-1" {
 context = "own"
 tags = ["z"] 
}
target "b" {
  name = "b-${x}"
  matrix = { x = ["1", "2"] }
  dockerfile = "d"
}
