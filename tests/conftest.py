"""Helper modules have no tests and no examples."""

collect_ignore_glob = ["support/*"]
