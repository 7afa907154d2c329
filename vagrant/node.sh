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

cat >/etc/systemd/system/tidegate-lab.service <<UNIT
[Unit]
Description=Tidegate in the lab
After=network-online.target

[Service]
ExecStart=/usr/local/sbin/tidegate run --manifests=/etc/tidegate/manifests \\
	--entryPoints.web.address=:80 --entryPoints.websecure.address=:443 \\
	--interfaces=$interface
Restart=on-failure
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --quiet tidegate-lab
systemctl restart tidegate-lab
tidegate-loader doctor || true
