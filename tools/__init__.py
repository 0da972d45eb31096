"""What `make` calls: small programs that keep the collection in order."""
