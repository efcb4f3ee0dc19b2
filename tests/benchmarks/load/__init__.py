"""What the proxies are measured with: the upstream, the clients, and the kernel's account of who used how much."""
