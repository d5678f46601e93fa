"""One file per verb of the command `lab`: its options, its examples, and what it does."""
