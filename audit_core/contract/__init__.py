"""The release contract: what must hold before a model may be released, and who says so."""
