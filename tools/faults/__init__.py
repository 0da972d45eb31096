"""Faults that are made on a lab server while a client of MLflow logs: what they cost, and whether anything is lost."""
