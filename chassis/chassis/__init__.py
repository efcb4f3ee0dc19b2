"""What a Django project installs to take part: a set of Django apps."""
