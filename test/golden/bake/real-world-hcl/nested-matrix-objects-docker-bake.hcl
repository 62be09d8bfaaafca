variable "versions" {
  default = {
    "3.11" = { full = "3.11.9", eol = false }
    "3.12" = { full = "3.12.3", eol = false }
  }
}
target "py" {
  matrix = {
    v = keys(versions)
    os = [{ name = "alpine", pkgs = ["gcc", "musl-dev"] }, { name = "slim", pkgs = [] }]
  }
  name = "py-${replace(v, ".", "-")}-${os.name}"
  args = {
    FULL = versions[v].full
    PKGS = length(os.pkgs) > 0 ? join(" ", os.pkgs) : null
    EOL = versions[v].eol
  }
  tags = flatten([["py:${v}-${os.name}"], os.name == "slim" ? ["py:${v}"] : []])
}
target "test" {
  matrix = { tgt = ["py-3-11-slim", "py-3-12-slim"], n = range(2) }
  name = "test-${tgt}-${n}"
  contexts = { base = "target:${tgt}" }
  args = { T = target[tgt].tags[0], N = n }
}
group "default" { targets = ["py", "test"] }
