"""Documents and words: what an audit found, as people and programs read it."""
