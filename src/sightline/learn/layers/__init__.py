"""Layers and losses of networks in NumPy, one file a family: forward, and the way back derived by hand."""
