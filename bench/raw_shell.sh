#!/usr/bin/env bash
# The limit of the machines' part: one ssh to each, which looks at what a run without changes looks at.
set -euo pipefail
# shellcheck disable=SC2016  # the machine's shell expands it
look='
dpkg-query -W -f "\${Version}\n" iptables nginx mysql-server unattended-upgrades 2>/dev/null
sha256sum /etc/hostname /etc/apt/apt.conf.d/90* /etc/ssh/sshd_config.d/* /etc/sysctl.d/* /etc/nginx/nginx.conf \
  /etc/tomcat*/server.xml /etc/mysql/mysql.conf.d/* /etc/nat-masquerade.rules /etc/systemd/system/*.d/* 2>/dev/null
systemctl is-active ssh nginx mysql nat-masquerade
iptables-save -t nat
true'
for machine in public private; do ssh -F "$1" "$machine" sudo sh -c "${look@Q}" & done
wait
