#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# client.sh: what one needs to look at the nodes from outside.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends curl openssl tcpdump wrk >/dev/null
