"""Instances with a body: one image, one disk each, one systemd-nspawn process each."""
