#!/bin/bash
# The first process of a node: sees to it that containerd, the kubelet and the pods have process ids
# and mounts of their own. When it ends the kernel ends all of them and drops their mounts.
#
# usage, in new pid and mount namespaces: node.sh STATE_DIR
set -eu
state=$1

# its own /proc is not mounted yet: this is the pid that the machine knows it by
read -r pid _ </proc/self/stat
mount -t proc proc /proc

# folders that containerd, the kubelet and the CNI plugins use whatever their settings say
for folder in /run/netns /run/containerd /var/lib/cni /var/log; do
  mkdir -p "$folder"
  mount -t tmpfs tmpfs "$folder"
done

containerd --config "$state/containerd.toml" &
echo "$pid" >"$state/run/node.started"
wait
