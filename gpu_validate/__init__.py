"""Replays of simulated experiments on a real device: GPT-J and GPT-NeoX in torch, under the simulator's own replica.

May import s3sim; s3sim never imports it. torch and transformers live here, and the replay needs neither
simpy nor pydantic.
"""
