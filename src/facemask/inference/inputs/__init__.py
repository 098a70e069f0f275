"""What `INPUT...` names: files, folders, globs, standard input and archives, photo by photo."""
