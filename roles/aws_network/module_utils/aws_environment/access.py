# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""Say in words what is wrong with the credentials, the account, the region or the permissions."""

from __future__ import annotations

import contextlib

with contextlib.suppress(ImportError):  # AnsibleAWSModule says what is missing.
    from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

BAD_KEYS = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure")
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
FORBIDDEN = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")


def wrong_account(account: str, expected: str) -> str:
    """Say that these are the credentials of another account."""
    return (
        f"The credentials belong to the account {account}, but this service belongs to {expected}. Choose other "
        "credentials (AWS_PROFILE), or change expected_account_id in group_vars/all/aws.yml."
    )


def explain(error: Exception, region: str) -> str:
    """Say what is wrong with the access to AWS, why it stops us, and what to do."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if isinstance(error, NoCredentialsError):
        return (
            "No AWS credentials were found, and nothing can be asked or made without them. "
            "Name a profile (export AWS_PROFILE=...), or sign in (aws sso login), and run again."
        )
    if code in EXPIRED:
        return (
            f"The AWS credentials have expired ({code}), and AWS no longer answers them. "
            "Sign in again (aws sso login --profile ...), or fetch new keys, and run again."
        )
    if isinstance(error, EndpointConnectionError) or "scoped to a valid region" in str(error):
        return (
            f"The API of the region {region} does not answer ({error}): there is no such region, or no way to it. "
            "Check aws_region in group_vars/all/aws.yml, AWS_ENDPOINT_URL, and the connection."
        )
    if code in BAD_KEYS:
        return (
            f"AWS does not know these credentials in the region {region} ({code}: {error}). "
            "Check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, whether this machine's clock "
            "is right, and whether the region is switched on in the account."
        )
    if code in FORBIDDEN:
        return (
            f"These credentials may not do what the playbooks need ({error}). "
            "Give them the permissions of docs/iam-policy.json."
        )
    return f"Could not look at what exists in the region {region}: {error}"
