"""What each command does, as one function: for the command line, Python and servers alike."""
