# shellcheck shell=bash
# Shared by the scripts beside it: where we are, how we speak, how we become root.

ONEBOX=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd -- "$ONEBOX" || exit
# Debian keeps nft and ip in sbin, which an ordinary user's PATH lacks.
export PATH="$ONEBOX/.venv/bin:$PATH:/usr/sbin:/sbin"

# Without compiled bytecode Ansible needs 1.4 times as long, and unbuffered it reads each module byte by byte.
unset PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED

# shellcheck disable=SC2034  # the scripts that source this file use them
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' dim='' green='' red='' plain=''
  export NO_COLOR=1 # for the programs we start as well
fi

say() { printf '%s\n' "$*"; }
note() { printf '    %s%s%s\n' "$dim" "$*" "$plain"; }
heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# fail WHAT WHY REMEDY
fail() {
  printf '\n%serror:%s %s\n' "$red" "$plain" "$1" >&2
  printf '       %s\n' "${@:2}" >&2
  exit 1
}

# Asks for the password now, while the terminal is ours.
need_root() {
  ((EUID == 0)) || sudo -v || fail "sudo does not let you, $(id -un), become root." \
    "The lab makes network namespaces and starts machines, which only root may do." \
    "Allow yourself to use sudo, or run this as root."
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo -- "$@"; fi
}

# A clock behind NAME, until it is killed or the script has ended.
tick() {
  local began=$SECONDS
  while kill -0 $$ 2>/dev/null; do
    printf '\r    %s%s %d s%s' "$dim" "$1" "$((SECONDS - began))" "$plain"
    sleep 1
  done
}

# quietly NAME COMMAND...: the output goes to a log, which is shown if the command fails.
quietly() {
  local log="$ONEBOX/build/log/$1.log" began=$SECONDS clock='' status=0
  mkdir -p "${log%/*}"
  if [[ -t 1 ]]; then tick "$1" & clock=$!; fi
  "${@:2}" >"$log" 2>&1 </dev/null || status=$?
  if [[ $clock ]]; then
    kill "$clock"
    wait "$clock" 2>/dev/null || true
    printf '\r\e[K'
  fi
  if ((status)); then tail -n 30 "$log" >&2; else note "$1: $((SECONDS - began)) s"; fi
  return "$status"
}
