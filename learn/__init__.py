"""The learning track's examiner: it asks the living lab whether an exercise of docs/learn is done."""
