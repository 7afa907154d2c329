#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# control.sh: a Kubernetes control plane of two processes, etcd and kube-apiserver, and nothing else: no
# kubelet, no controllers. Objects are written with kubectl, EndpointSlices by hand. Lab only: its token is known.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
version=${KUBERNETES_VERSION:-v1.26.15} # goes with Debian's etcd 3.4
where=/etc/kubernetes
apt-get update -qq
apt-get install -y -qq --no-install-recommends ca-certificates curl etcd-server openssl >/dev/null

arch=$(dpkg --print-architecture)
for program in kube-apiserver kubectl; do
	[ ! -x "/usr/local/bin/$program" ] || continue
	base=https://dl.k8s.io/$version/bin/linux/$arch/$program
	curl -fsSL -o "/tmp/$program" "$base"
	echo "$(curl -fsSL "$base.sha256")  /tmp/$program" | sha256sum --check --quiet
	install -m 0755 "/tmp/$program" /usr/local/bin/
done

install -d -m 0755 "$where"
if [ ! -e "$where/ca.crt" ]; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=lab-ca \
		-keyout "$where/ca.key" -out "$where/ca.crt" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=kube-apiserver \
		-keyout "$where/api.key" -out "$where/api.csr" 2>/dev/null
	openssl x509 -req -in "$where/api.csr" -CA "$where/ca.crt" -CAkey "$where/ca.key" -CAcreateserial -days 3650 \
		-extfile <(echo "subjectAltName=IP:$ADDRESS,IP:10.96.0.1,IP:127.0.0.1,DNS:kubernetes.default.svc") \
		-out "$where/api.crt" 2>/dev/null
	cat "$where/ca.crt" >>"$where/api.crt"
	openssl genrsa -out "$where/accounts.key" 2048 2>/dev/null
	openssl rsa -in "$where/accounts.key" -pubout -out "$where/accounts.pub" 2>/dev/null
	echo "lab-token,admin,1,system:masters" >"$where/tokens.csv"
fi

cat >/etc/systemd/system/kube-apiserver.service <<UNIT
[Unit]
Description=Kubernetes API server of the lab
After=etcd.service network-online.target
Requires=etcd.service

[Service]
ExecStart=/usr/local/bin/kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 \\
	--advertise-address=$ADDRESS --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=RBAC \\
	--tls-cert-file=$where/api.crt --tls-private-key-file=$where/api.key --client-ca-file=$where/ca.crt \\
	--token-auth-file=$where/tokens.csv --disable-admission-plugins=ServiceAccount \\
	--service-account-issuer=https://kubernetes.default.svc --service-account-key-file=$where/accounts.pub \\
	--service-account-signing-key-file=$where/accounts.key
Restart=on-failure

[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --quiet --now etcd kube-apiserver

kubectl config set-cluster lab --server="https://$ADDRESS:6443" --certificate-authority="$where/ca.crt" --embed-certs >/dev/null
kubectl config set-credentials admin --token=lab-token >/dev/null
kubectl config set-context lab --cluster=lab --user=admin >/dev/null
kubectl config use-context lab >/dev/null
for _ in $(seq 60); do
	! kubectl get --raw /readyz >/dev/null 2>&1 || break
	sleep 1
done
kubectl apply -f /tidegate/deploy/crds
kubectl apply -f /tidegate/vagrant/manifests
