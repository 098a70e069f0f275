"""From folders of photos to a dataset."""
