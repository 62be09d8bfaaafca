variable "GO_VERSION" { default = null }
variable "RUNC" { default = "" }
variable "BUILDKITD_TAGS" {
  default = null
  type = string
  description = <<EOT
Tags for
buildkitd
EOT
}
variable "HTTP_PROXIES" { type = map(string) }
variable "NODES" {
  type = list(object({ name = string, cpus = optional(number, 2), tags = optional(list(string), []) }))
  default = [{ name = "a" }, { name = "b", cpus = 4, tags = ["x"] }]
}
target "_common" {
  args = {
    GO_VERSION = GO_VERSION
    RUNC = RUNC == "" ? null : RUNC
    BUILDKIT_CONTEXT_KEEP_GIT_DIR = 1
    N = NODES[0].cpus
    ALL = join(",", [for n in NODES : "${n.name}=${n.cpus}"])
  }
}
group "default" { targets = ["binaries"] }
group "validate" { targets = ["lint", "validate-vendor"] }
target "binaries" {
  inherits = ["_common"]
  target = "binaries"
  output = ["./bin"]
}
target "binaries-cross" {
  inherits = ["binaries"]
  output = [equal("true", "true") ? "type=oci,dest=x.tar" : "type=local,dest=y"]
  platforms = ["darwin/amd64","darwin/arm64","linux/amd64","linux/arm","linux/arm64","linux/ppc64le","linux/riscv64","linux/s390x","windows/amd64","windows/arm64"]
}
target "lint" {
  name = "lint-${buildtags.name}"
  dockerfile = "./hack/dockerfiles/lint.Dockerfile"
  target = buildtags.target
  args = { BUILDTAGS = buildtags.tags, GOGC = null }
  matrix = {
    buildtags = [
      { name = "default", tags = "", target = "golangci-lint" },
      { name = "labs", tags = "dfrunsecurity dfparents", target = "golangci-lint" },
      { name = "nydus", tags = "nydus", target = "golangci-lint" },
      { name = "yaml", tags = "", target = "yamllint" },
    ]
  }
}
target "validate-vendor" { dockerfile = "./v.Dockerfile" output = ["type=cacheonly"] }
