"""What layouts share: readers of lists, records, pickles and image files."""
