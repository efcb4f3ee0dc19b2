"""What stands in the way of a migration, found before it is met: the command `doctor`.

Checks are independent of each other: each looks at one thing and says what it found, also that all is well
(`checks.py` lists them). `routes/` lays the URLconf beside the proxy's fig.yaml.
"""
