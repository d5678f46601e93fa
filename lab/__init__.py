"""The embedded lab: a VPC of network namespaces behind the EC2 API."""
