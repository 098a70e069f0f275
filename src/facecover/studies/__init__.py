"""Questions put to the data: many runs, one table, one sentence."""
