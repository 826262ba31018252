"""PUBLISH: only what passed every test leaves the house."""
