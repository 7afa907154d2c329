#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# node.sh: builds Tidegate from the synced source, installs it and serves the lab's manifests.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends make >/dev/null
make -C /tidegate deps
make -C /tidegate -j"$(nproc)" install

install -d /etc/tidegate/manifests
install -m 0644 /tidegate/vagrant/manifests/*.yaml /etc/tidegate/manifests/
interface=$(ip -o -4 addr show | awk -v address="$ADDRESS/" 'index($4, address) == 1 { print $2 }')

echo "LOADER_INTERFACES=$interface" >/etc/tidegate/loader.env
systemd-sysusers
sysctl --quiet --system
systemctl daemon-reload
systemctl enable --quiet tidegate-loader tidegate
systemctl restart tidegate-loader tidegate
tidegate-loader doctor || true
