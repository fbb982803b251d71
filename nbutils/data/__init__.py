"""Data: manifests, the embedded faces, LFW, pairs and batches."""
