#!/usr/bin/env bash
# The limit of the machines' part from nothing: one shell on each installs, writes and starts what the roles do. Like
# pyinfra it makes no version of the application (bench/peer). usage: raw_shell_new.sh SSH_CONFIG FOLDER
set -euo pipefail
# shellcheck disable=SC2016  # the machine's shell expands it
common='
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -qq --no-install-recommends -o Dpkg::Options::=--force-confold "$@" >/dev/null; }
write() { tar --extract --file=/tmp/files.tar --directory=/ && systemctl daemon-reload && systemctl restart systemd-sysctl; }
cat >/tmp/files.tar
hostname "$(tar --extract --to-stdout --file=/tmp/files.tar etc/hostname)"
printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
'
# The private machine has no way out before the rules are there.
# shellcheck disable=SC2016  # as above
declare -A own=([public]='
apt-get update -qq
install iptables
write
systemctl enable --quiet --now nat-masquerade nat-doctor.timer
install unattended-upgrades tomcat11 libmariadb-java nginx
write
systemctl enable --quiet ssh tomcat11 nginx
systemctl restart ssh tomcat11 nginx
' [private]='
write
until apt-get update -qq 2>/dev/null; do sleep 0.5; done
install --target-release=sid mysql-server python3-pymysql
install unattended-upgrades
write
systemctl enable --quiet ssh mysql mysql-backup.timer mysql-backup-logs.timer
systemctl restart ssh mysql mysql-backup.timer mysql-backup-logs.timer
mysql --execute "CREATE DATABASE app; CREATE USER app IDENTIFIED BY RANDOM PASSWORD; GRANT ALL ON app.* TO app"
')
for machine in "${!own[@]}"; do
  script="$common${own[$machine]}rm /usr/sbin/policy-rc.d /tmp/files.tar"
  ssh -F "$1" "$machine" sudo sh -euc "${script@Q}" <"$2/$machine.tar" >/dev/null &
done
wait -n && wait -n
