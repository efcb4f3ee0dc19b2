"""The system in containers, as far as this machine has to bring something along: secrets, fig.yaml, and who owns them."""
