"""A data set decoded and cropped once, in one memory-mapped array with an index."""
