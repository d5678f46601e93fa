"""What the roles of the machines refuse to work with: all mistakes at once, each with its value and its remedy."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]
FACTS = {"distribution": "Debian", "distribution_release": "trixie", "all_ipv4_addresses": ["10.1.2.10"]}
NGINX = {"nginx_proxy_port": 80, "nginx_proxy_upstream_port": 8080}
TOMCAT = {"tomcat_app_war": "apps/sidedish", "tomcat_version": 11}
MYSQL = {
    "mysql_server_bind_addresses": ["10.1.2.10"],
    "mysql_server_account": "app",
    "mysql_server_account_address": "10.1.1.10",
    "mysql_server_account_password": "long enough for it",
}


def said(folder: Path, role: str, inputs: dict[str, Any], facts: dict[str, Any] = FACTS) -> str:
    """What its check says of these inputs, in one line."""
    look = {"name": role, "tasks_from": "check_input"}
    tasks = [{"ansible.builtin.include_role": look, "vars": {"ansible_facts": facts}}]
    play = folder / "play.yml"
    play.write_text(yaml.safe_dump([{"hosts": "one", "gather_facts": False, "tasks": tasks}]))
    command = ["ansible-playbook", str(play), "--inventory=one,", f"--extra-vars={json.dumps(inputs)}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPO, timeout=120)
    return " ".join([*done.stdout.split(), "rc", str(done.returncode)])


@pytest.mark.parametrize(
    ("role", "inputs"), [("nginx_proxy", NGINX), ("tomcat", TOMCAT), ("mysql_server", MYSQL)], ids=str
)
def test_what_is_right_is_not_refused(tmp_path: Path, role: str, inputs: dict[str, Any]) -> None:
    assert said(tmp_path, role, inputs).endswith("rc 0")


def test_all_that_nginx_refuses_is_told_at_once(tmp_path: Path) -> None:
    folders = {"/static": "/srv/static", "/right/": "/srv/right", "/images/": "srv/images"}
    wrong = {"nginx_proxy_upstream_port": 80, "nginx_proxy_tls": "files", "nginx_proxy_static_folders": folders}
    answer = said(tmp_path, "nginx_proxy", NGINX | wrong)
    assert "nginx and the application would both listen on port 80" in answer
    assert 'The certificate is "" and its key ""' in answer
    assert "Static files at /static from /srv/static and /images/ from srv/images" in answer
    answer = said(tmp_path, "nginx_proxy", NGINX | {"nginx_proxy_tls": "acme"})
    assert 'The names are [] and the address for trouble is ""' in answer


def test_all_that_tomcat_refuses_is_told_at_once(tmp_path: Path) -> None:
    wrong = {"tomcat_heap_percent": 90, "tomcat_app_war": "https://example.com/a.war", "tomcat_version": 9}
    answer = said(tmp_path, "tomcat", TOMCAT | wrong)
    assert "A heap of 90 percent leaves too little" in answer
    assert 'https://example.com/a.war is a URL, and "" is not the SHA-256' in answer
    assert "tomcat_version is 9, and Debian trixie has 10 and 11" in answer
    assert said(tmp_path, "tomcat", TOMCAT, facts={}).endswith("rc 0"), "a mere deployment asks for no facts"


def test_all_that_mysql_refuses_is_told_at_once(tmp_path: Path) -> None:
    wrong = {
        "mysql_server_cache_percent": 80,
        "mysql_server_account_address": "web",
        "mysql_server_account_password": "too short",
        "mysql_server_bind_addresses": ["127.0.0.1", "10.1.2.99"],
        "mysql_server_backup_s3_bucket": "mine",
        "mysql_server_backup_key": "too short as well",
    }
    answer = said(tmp_path, "mysql_server", MYSQL | wrong)
    assert "A cache of 80 percent" in answer
    assert "The account app@web needs one IPv4 address" in answer
    assert "has fewer than 12 characters" in answer
    assert "one has no address 10.1.2.99 (it has 10.1.2.10)" in answer
    assert "Backups shall go to the bucket mine" in answer
    assert "too short" not in answer
