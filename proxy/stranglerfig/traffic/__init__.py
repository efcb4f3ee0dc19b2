"""Traffic that somebody asks for on purpose: cases for pytest that ask both sides the same."""
