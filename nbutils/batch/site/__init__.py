"""A site of runs to read without a kernel, a server or a network: Sphinx's pages of the executed notebooks."""
