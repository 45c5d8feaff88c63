"""The core: replica, KV account, batches and event log. Stdlib only; no clock, device, files or randomness."""
