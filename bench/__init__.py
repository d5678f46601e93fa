"""Speed, measured: every file prints figures and asserts nothing."""
