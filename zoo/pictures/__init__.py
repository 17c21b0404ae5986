"""What a run shows of its test examples: where its model looked, what it heard, read and foretold."""
