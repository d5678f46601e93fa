"""What is found of an environment, who works on it, and where it differs from what is wanted."""
