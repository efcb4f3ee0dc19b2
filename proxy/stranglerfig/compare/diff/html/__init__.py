"""Pages compared as what a browser makes of them: a tree, its forms as data, its links as a set."""
