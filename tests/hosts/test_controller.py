"""Promises 11 and 15: a strange host key, and a controller that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from .living import Living

# Every role has a file to write and a service to tell, on both machines.
OTHER = {
    "host_baseline_journal_mb": 190,
    "nat_masquerade_doctor_seconds": 4,
    "ssh_bastion_login_seconds": 40,
    "tomcat_java_options": ["-Dproof=killed"],
    "nginx_proxy_headers": {"X-Proof": "killed"},
    "mysql_server_connections": 90,
    "mysql_server_backup_log_minutes": 4,
}
UNFINISHED = r"sudo find /etc /usr/local /var/lib -xdev \( -name '.ansible_tmp*' -o -name '*.partial' \)"


def killed(site: Living, inputs: dict[str, object], *, seconds: float) -> None:
    """Begin a run and kill all of it, its workers too: they are in a process namespace of its own."""
    argv = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "ansible-playbook"]
    argv += ["playbooks/configure_hosts.yml", "--limit", "playground", "--extra-vars", json.dumps(inputs)]
    argv += ["--extra-vars", f"build_dir={site.build}", "--extra-vars", f"operator_ssh_key={site.build}/id_ed25519"]
    run = subprocess.Popen(argv, env=site.environment | site.aws, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)  # the moment is the point
    os.kill(run.pid, signal.SIGKILL)
    run.wait()


def test_15_a_killed_run_leaves_nothing_half_done(site: Living, capsys: pytest.CaptureFixture[str]) -> None:
    turns = int(os.environ.get("ONEBOX_HOSTS_KILLS", "6"))
    whole = site.play("configure_hosts").check().seconds
    for turn in range(turns):
        killed(site, OTHER if turn % 2 == 0 else {}, seconds=whole * (turn + 0.7) / turns)
    again = site.play("configure_hosts").check()
    for machine in ("public", "private"):
        assert not site.ssh(machine, UNFINISHED).strip()
        assert not site.ssh(machine, "systemctl --failed --no-legend").strip()
    third = site.play("configure_hosts").check()
    assert not any(third.changed.values()), third.output
    assert site.page()[0] == 200
    with capsys.disabled():
        print(f"\n    killed {turns} times within {whole:.0f} s; the next run changed {again.changed}")  # noqa: T201


def test_11_another_host_key_stops_the_run_before_any_task(site: Living) -> None:
    """The message has all that a person needs to decide, and the one command that accepts it."""
    kept = "/srv/keys.kept"
    fingerprint = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2"
    old = site.ssh("public", fingerprint).strip()
    root = ["lab", "exec", "--name", site.lab_name, "sidedish-playground-public", "--", "sh", "-c"]
    anew = "rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh"
    site.run(*root, f"mkdir {kept}; cp -a /etc/ssh/ssh_host_* {kept}; {anew}", aws=False).check()
    try:
        new = site.run(*root, fingerprint, aws=False).check().output.split()[-1]
        done = site.play("launch_instances")
        words = " ".join(done.output.split())
        assert done.status != 0
        assert all(word in words for word in (old, new, "sidedish-playground-public shows"))
        assert not any(done.changed.values())
        assert "-m community.aws.ssm_parameter -a" in words
        assert site.play("launch_instances").status != 0, "it was accepted without being asked"
    finally:
        site.run(*root, f"cp -a {kept}/* /etc/ssh; rm -r {kept}; systemctl restart ssh", aws=False).check()
    assert "up" in site.ssh("public", "echo up")
