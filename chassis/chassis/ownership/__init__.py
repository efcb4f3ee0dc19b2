"""Which table belongs to which capability, and the channel over which a service copies its rows."""
