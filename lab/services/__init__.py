"""What AWS or the internet would answer: names, packages, the caller's own address."""
