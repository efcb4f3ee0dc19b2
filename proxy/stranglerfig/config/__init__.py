"""What the user writes: the model of fig.yaml, loading with every mistake at once, editing one word."""
