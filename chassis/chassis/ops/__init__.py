"""Is this process alive, and may it get traffic? Endpoints under /_chassis/, which the proxy never forwards."""
