"""Getting data sets and looking after them: fetching, checking, comparing."""
