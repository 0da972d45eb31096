"""Compiling the real RustFS from its crate, once per version and profile."""
