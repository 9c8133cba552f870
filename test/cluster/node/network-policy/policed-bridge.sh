#!/bin/sh
# The node's CNI plugin: the bridge plugin, which says that a pod has its network only when the
# policies for the pod's address are in force. The pod's containers are started after that.
#
# It runs from the folder of the node's CNI plugins, and asks by a file in `starting` beside it, which
# the enforcer removes (https://www.cni.dev/docs/spec/).
set -eu
folder=$(dirname "$0")
export CNI_PATH=/usr/lib/cni

[ "$CNI_COMMAND" = ADD ] || exec "$CNI_PATH/bridge"

result=$("$CNI_PATH/bridge") || {
  printf '%s\n' "$result"
  exit 1
}
request="$folder/starting/$CNI_CONTAINERID"
printf '%s\n' "$CNI_ARGS" "$result" >"$request.new"
mv "$request.new" "$request"
for _ in $(seq 500); do
  if [ ! -e "$request" ]; then
    printf '%s\n' "$result"
    exit 0
  fi
  sleep 0.02
done
rm -f "$request"
# 11: try again later
printf '{"cniVersion":"0.4.0","code":11,"msg":"the policies of the pod were not in force within 10 s: does the enforcer run?"}\n'
exit 1
