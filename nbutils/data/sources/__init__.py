"""The kinds of data spec: one module each; `nbutils.data.spec` finds them by their `kind`."""
