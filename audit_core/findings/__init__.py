"""Findings: each check of the contract, judged on what was measured."""
