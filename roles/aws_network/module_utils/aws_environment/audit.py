# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""What can outlive an environment and cost money, beyond what the playbooks look at in every run."""

from __future__ import annotations

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from .ask import ask, by

Found = dict[str, list[dict[str, Any]]]


def audit(clients: dict[str, Any], *, name: str, identity: dict[str, str], vpc_ids: list[str]) -> Found:
    """Find databases, load balancers and the like, which must go, and snapshots, which are kept on purpose."""
    ec2, rds = clients["ec2"], clients["rds"]

    def carries(tags: Any) -> bool:
        return bool(identity.items() <= boto3_tag_list_to_ansible_dict(tags or []).items())

    requests = ask(ec2, "describe_spot_instance_requests", "SpotInstanceRequests", Filters=by(state=["open", "active"]))
    databases = ask(rds, "describe_db_instances", "DBInstances")
    balancers = ask(clients["elbv2"], "describe_load_balancers", "LoadBalancers")
    groups = ask(clients["autoscaling"], "describe_auto_scaling_groups", "AutoScalingGroups")
    return {
        "load_balancers": [
            {
                "id": one["LoadBalancerName"],
                "name": "",
                "ours": one["VpcId"] in vpc_ids or one["LoadBalancerName"] == name,
            }
            for one in balancers
        ],
        "scaling_groups": [
            {"id": one["AutoScalingGroupName"], "name": "", "ours": True} for one in groups if carries(one.get("Tags"))
        ],
        "images": [
            {"id": one["ImageId"], "name": one.get("Name", ""), "ours": True}
            for one in ask(ec2, "describe_images", "Images", Owners=["self"], Filters=by_tags(identity))
        ],
        "spot_requests": [
            {"id": request["SpotInstanceRequestId"], "name": name, "ours": True}
            for request in requests
            if carries(request.get("Tags")) or request.get("LaunchSpecification", {}).get("KeyName") == name
        ],
        "databases": [
            {
                "id": one["DBInstanceIdentifier"],
                "name": one["DBInstanceClass"],
                "ours": carries(one.get("TagList")) or one.get("DBSubnetGroup", {}).get("VpcId") in vpc_ids,
            }
            for one in databases
        ],
        "snapshots": [
            {
                "id": one["SnapshotId"],
                "name": boto3_tag_list_to_ansible_dict(one.get("Tags") or []).get("Name", ""),
                "ours": True,
                "size_gb": one["VolumeSize"],
                "volume_id": one.get("VolumeId", ""),
            }
            for one in ask(ec2, "describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=by_tags(identity))
        ],
        "database_snapshots": [
            {"id": one["DBSnapshotIdentifier"], "name": "", "ours": True, "size_gb": one.get("AllocatedStorage", 0)}
            for one in ask(rds, "describe_db_snapshots", "DBSnapshots", SnapshotType="manual")
            if carries(one.get("TagList"))
        ],
    }


def by_tags(identity: dict[str, str]) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in identity.items()]
