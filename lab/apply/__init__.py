"""The modules that change the kernel: namespaces, interfaces, routes, filters. All of them need root."""
