"""The fixtures of the learn room's tests."""

from tests.learn.fixtures import copied, data, source, trained

__all__ = ["copied", "data", "source", "trained"]
