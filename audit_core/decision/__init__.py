"""The decision: findings and requirements become one of four verdicts."""
