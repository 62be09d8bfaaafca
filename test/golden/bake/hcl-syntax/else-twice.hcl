target "default" {
  context = "%{if true}a%{else}b%{else}c%{endif}"
}
