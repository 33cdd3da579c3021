"""Where an audit's rows come from: tables, and the scores of a model."""
