"""What becomes of answers: lines, copies in class folders, a contact sheet."""
