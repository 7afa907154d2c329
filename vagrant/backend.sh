#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# backend.sh: an application that says who it is.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends nginx-light >/dev/null
cat >/etc/nginx/sites-available/default <<NGINX
server {
	listen 8080 default_server;
	default_type text/plain;
	location / {
		return 200 "$(hostname) host=\$http_host uri=\$request_uri xff=\$http_x_forwarded_for\n";
	}
}
NGINX
systemctl reload-or-restart nginx
