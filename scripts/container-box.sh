#!/usr/bin/env bash
# Runs a command that may use podman and buildah without touching this machine: in mount, network and process namespaces
# of its own, with a store of its own. Published ports clash with nothing and are not seen outside, nothing can be pulled,
# and everything that was started ends with the command. Needs root.
#
#   scripts/container-box.sh FOLDER COMMAND…           FOLDER keeps images and volumes until the next run
#   scripts/container-box.sh --on FOLDER COMMAND…      the images of FOLDER, read only; everything else ends with the command,
#                                                      so that several boxes can stand on one folder
#
# It works where services manage nothing: without systemd, and with control groups that this process may not change.
set -euo pipefail

main() {
  if [[ $1 == --inside ]]; then
    shift
    inside "$@"
    return
  fi
  [[ $(id -u) == 0 ]] || { echo "container-box: needs root, to make namespaces" >&2; exit 1; }
  local below=
  if [[ $1 == --on ]]; then
    shift
    below=$(cd "$1" && pwd)/store
    folder=$(mktemp -d "$(dirname "$below")/box.XXXXXX")
    # Only out here: inside, what was mounted is still in use.
    trap 'rm -rf "$folder"' EXIT
  else
    folder=$(mkdir -p "$1" && cd "$1" && pwd)
  fi
  shift
  unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private \
    "$0" --inside "$folder" "$below" "$@"
}

inside() { # folder, store of images below it or nothing, command
  local folder=$1
  prepare_namespaces
  write_settings "$folder" "$2"
  shift 2
  export CONTAINERS_STORAGE_CONF=$folder/storage.conf CONTAINERS_CONF=$folder/containers.conf
  # Not exec: as the first process of its namespace this shell takes in the children that containers leave behind.
  "$@"
}

# No service of this box may outlive it, and none of the machine may be seen in it.
prepare_namespaces() {
  # A second hierarchy beside the first is more than crun understands.
  ! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
  ip link set lo up
  # What podman keeps of running containers must not be found by the next box, and its path must be short.
  mkdir -p /run/netns /run/tokenledger-box
  mount -t tmpfs none /run/netns
  mount -t tmpfs none /run/tokenledger-box
  # Locks of containers and volumes lie here, whatever the store.
  mount -t tmpfs none /dev/shm
  mkdir -p /run/containers /var/lib/containers
  mount -t tmpfs none /run/containers
  mount -t tmpfs none /var/lib/containers
}

write_settings() { # folder, store of images below it or nothing
  cat >"$1/storage.conf" <<TOML
[storage]
driver = "overlay"
graphroot = "$1/store"
runroot = "/run/tokenledger-box/storage"
[storage.options]
additionalimagestores = [${2:+"\"$2\""}]
TOML
  # Limits below the machine's, which podman would otherwise try to raise.
  cat >"$1/containers.conf" <<TOML
[containers]
default_ulimits = ["nofile=$(limit -n 20000):$(limit -n 20000)", "nproc=$(limit -u 8192):$(limit -u 8192)"]
cgroups = "disabled"
[network]
network_backend = "netavark"
network_config_dir = "/run/tokenledger-box/networks"
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "/run/tokenledger-box/libpod"
TOML
}

# A limit of this process, but no more than $2.
limit() {
  local hard
  hard=$(ulimit -H "$1")
  if [[ $hard == unlimited || $hard -gt $2 ]]; then echo "$2"; else echo "$hard"; fi
}

main "$@"
