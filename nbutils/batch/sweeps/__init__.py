"""Notebooks × seeds × a grid of parameters as one graph of trainings, on as many machines as there are."""
