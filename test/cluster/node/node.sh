#!/bin/bash
# The first process of a node: sees to it that containerd, the kubelet and the pods have process ids,
# mounts and a network of their own. When it ends the kernel ends all of them and drops their mounts,
# links and firewall rules.
#
# usage, in new pid, mount and network namespaces: node.sh STATE_DIR
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

echo 1 >/proc/sys/net/ipv4/ip_forward
# a service's answer from a pod to its neighbour comes back through the rules that it went by
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables

# before containerd, which listens there and else ends
ip link set lo up
containerd --config "$state/containerd.toml" &
echo "$pid" >"$state/run/node.started"
wait
