"""Launch templates: a version that goes takes its number with it."""

from __future__ import annotations

from tests.lab.conformance.site import Site


def test_versions_keep_their_numbers_when_others_go(site: Site) -> None:
    data = {"LaunchTemplateData": {"InstanceType": "t3.micro"}}
    made = site.ec2.create_launch_template(LaunchTemplateName="numbers", **data)["LaunchTemplate"]["LaunchTemplateId"]
    for _ in range(2):
        site.ec2.create_launch_template_version(LaunchTemplateId=made, **data)
    site.ec2.modify_launch_template(LaunchTemplateId=made, DefaultVersion="2")
    told = site.ec2.delete_launch_template_versions(LaunchTemplateId=made, Versions=["1", "2", "9"])
    assert [one["VersionNumber"] for one in told["SuccessfullyDeletedLaunchTemplateVersions"]] == [1]
    refused = {
        one["VersionNumber"]: one["ResponseError"]["Code"]
        for one in told["UnsuccessfullyDeletedLaunchTemplateVersions"]
    }
    assert refused == {2: "unexpectedError", 9: "launchTemplateVersionDoesNotExist"}
    site.ec2.create_launch_template_version(LaunchTemplateId=made, **data)
    kept = site.ec2.describe_launch_template_versions(LaunchTemplateId=made)["LaunchTemplateVersions"]
    assert [(one["VersionNumber"], one["DefaultVersion"]) for one in kept] == [(2, True), (3, False), (4, False)]
    site.ec2.delete_launch_template(LaunchTemplateId=made)


def test_tags_of_a_template_are_no_part_of_its_first_version(site: Site) -> None:
    tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "Name", "Value": "numbers"}]}]
    data = {"LaunchTemplateData": {"InstanceType": "t3.micro"}}
    made = site.ec2.create_launch_template(LaunchTemplateName="tagged", TagSpecifications=tags, **data)[
        "LaunchTemplate"
    ]
    assert made["Tags"] == tags[0]["Tags"]
    (first,) = site.ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"])[
        "LaunchTemplateVersions"
    ]
    assert "TagSpecifications" not in first["LaunchTemplateData"]
    site.ec2.delete_launch_template(LaunchTemplateId=made["LaunchTemplateId"])
