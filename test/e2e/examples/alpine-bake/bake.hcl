# Two targets for five platforms each; the group says which one is meant by default.
group "default" {
	targets = ["alpine"]
}

## what `bake` builds
target "alpine" {
	context    = "."
	dockerfile = "alpine.Dockerfile"
	tags       = ["docker.io/tangx/alpine:multi-arch"]
	platforms  = ["linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7", "linux/s390x"]
	output     = ["type=registry"]
	pull       = true
}

## only when it is named
target "debian" {
	context    = "."
	dockerfile = "debian.Dockerfile"
	tags       = ["docker.io/tangx/debian:multi-arch"]
	platforms  = ["linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7", "linux/s390x"]
	output     = ["type=registry"]
	pull       = true
}
