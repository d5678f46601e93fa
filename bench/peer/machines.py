"""pyinfra's inventory: the two machines, by the ssh_config that people use."""

import os

folder = os.environ["ONEBOX_PEER"]
ssh = {
    "ssh_config_file": f"{folder}/ssh_config",
    "ssh_known_hosts_file": f"{folder}/known_hosts",
    "ssh_strict_host_key_checking": "yes",
}
machines = [(name, {**ssh, "machine": name, "folder": folder}) for name in ("public", "private")]
