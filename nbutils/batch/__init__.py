"""Notebooks run from the command line, each into a folder of its own."""
