target "default" {
  context = "%{for x in [1]}a%{endif}"
}
