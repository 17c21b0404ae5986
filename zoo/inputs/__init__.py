"""What a user has, read for prediction: one module per kind of file."""
