"""Evenhand's core: pre-deployment fairness and drift audits that end in a signed decision."""

__version__ = "0.1.0"
