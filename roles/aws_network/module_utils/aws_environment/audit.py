# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""What can outlive an environment and cost money, beyond what the playbooks look at in every run."""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict

from .ask import ask, at_once, by

Found = dict[str, list[dict[str, Any]]]


def audit(clients: dict[str, Any], *, name: str, identity: dict[str, str], vpc_ids: list[str]) -> Found:
    """Find databases, load balancers and the like, which must go, and snapshots, which are kept on purpose."""
    ec2, rds = clients["ec2"], clients["rds"]

    def carries(tags: Any) -> bool:
        return bool(identity.items() <= boto3_tag_list_to_ansible_dict(tags or []).items())

    tagged = by_tags(identity)
    requested = by(state=["open", "active"])
    answers = at_once(
        requests=partial(ask, ec2, "describe_spot_instance_requests", "SpotInstanceRequests", Filters=requested),
        databases=partial(ask, rds, "describe_db_instances", "DBInstances"),
        balancers=partial(ask, clients["elbv2"], "describe_load_balancers", "LoadBalancers"),
        groups=partial(ask, clients["autoscaling"], "describe_auto_scaling_groups", "AutoScalingGroups"),
        images=partial(ask, ec2, "describe_images", "Images", Owners=["self"], Filters=tagged),
        snapshots=partial(ask, ec2, "describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=tagged),
        database_snapshots=partial(ask, rds, "describe_db_snapshots", "DBSnapshots", SnapshotType="manual"),
    )
    return {
        "load_balancers": [
            {
                "id": one["LoadBalancerName"],
                "name": "",
                "ours": one["VpcId"] in vpc_ids or one["LoadBalancerName"] == name,
            }
            for one in answers["balancers"]
        ],
        "scaling_groups": [
            {"id": one["AutoScalingGroupName"], "name": "", "ours": True}
            for one in answers["groups"]
            if carries(one.get("Tags"))
        ],
        "images": [{"id": one["ImageId"], "name": one.get("Name", ""), "ours": True} for one in answers["images"]],
        "spot_requests": [
            {"id": request["SpotInstanceRequestId"], "name": name, "ours": True}
            for request in answers["requests"]
            if carries(request.get("Tags")) or request.get("LaunchSpecification", {}).get("KeyName") == name
        ],
        "databases": [
            {
                "id": one["DBInstanceIdentifier"],
                "name": one["DBInstanceClass"],
                "ours": carries(one.get("TagList")) or one.get("DBSubnetGroup", {}).get("VpcId") in vpc_ids,
            }
            for one in answers["databases"]
        ],
        "snapshots": [
            {
                "id": one["SnapshotId"],
                "name": boto3_tag_list_to_ansible_dict(one.get("Tags") or []).get("Name", ""),
                "ours": True,
                "size_gb": one["VolumeSize"],
                "volume_id": one.get("VolumeId", ""),
            }
            for one in answers["snapshots"]
        ],
        "database_snapshots": [
            {"id": one["DBSnapshotIdentifier"], "name": "", "ours": True, "size_gb": one.get("AllocatedStorage", 0)}
            for one in answers["database_snapshots"]
            if carries(one.get("TagList"))
        ],
    }


def by_tags(identity: dict[str, str]) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in identity.items()]
