"""Evidence: what an audit leaves on disk, and how it is read back."""
