// Package image tests the container image: what it contains, how it starts, and that it takes the place of the stock
// collector's image in compose files of others. Its tests have the build tag `image` and run in boxes that
// scripts/container-box.sh makes, with published ports of their own: `make image-test`, not `go test`.
package image
