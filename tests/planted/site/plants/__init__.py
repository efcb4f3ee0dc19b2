"""The bugs themselves, by what they break."""
