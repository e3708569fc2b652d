#!/bin/sh
# Builds an image from a project's Dockerfile with buildah and writes it to ./archive.tar. Needs root, a mount namespace of its own
# and, in the working directory, Builder.Dockerfile. All that buildah keeps goes there.
# Arguments: the project's folder, the image's name, its version, and Go's GOARCH, GOROOT, GOMODCACHE and GOCACHE.
set -eu
project=$1 name=$2 version=$3 arch=$4 root=$5 modules=$6 cache=$7
work=$PWD builder=localhost/builder

if ! busybox=$(command -v busybox) || ! command -v buildah >/dev/null; then
	echo "buildah or a static busybox is missing: apt-get install --no-install-recommends buildah busybox-static" >&2
	exit 1
fi
mkdir builder tmp kept
cp -L "$busybox" builder/busybox
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >policy.json
printf '[network]\nnetwork_config_dir = "%s"\n' "$work/networks" >containers.conf
# vfs works on any file system, and the files are few.
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' "$work/storage" "$work/run" >storage.conf
export TMPDIR="$work/tmp" CONTAINERS_CONF="$work/containers.conf" CONTAINERS_STORAGE_CONF="$work/storage.conf"

# No option of buildah's moves what it notes about layers, for pushes to come.
state=/var/lib/containers
if [ ! -d "$state" ]; then
	mkdir "$state"
	trap 'umount "$state"; rmdir "$state"' EXIT
	trap 'exit 1' INT TERM
fi
mount --bind kept "$state"

build() {
	# Without a registry, an image that is missing must not be looked for.
	buildah --registries-conf /dev/null build --signature-policy policy.json --isolation chroot --pull=never "$@"
}
build --tag "$builder" --file Builder.Dockerfile builder
build --tag "$name" --platform "linux/$arch" --build-arg "BUILDER=$builder" --build-arg "VERSION=$version" \
	--volume "$root:/usr/local/go:ro" --volume "$modules:/go/pkg/mod:ro" --volume "$cache:/cache" "$project"
buildah push --signature-policy policy.json "$name" "docker-archive:archive.tar:$name"
