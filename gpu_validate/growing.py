"""KV tensors of one padded batch that grow by concatenation, as transformers' generate has them."""

from typing import Any

from torch import Tensor
from transformers import DynamicCache

from s3sim.core.batch import Relocation
from s3sim.core.errors import InvariantError
from s3sim.core.request import Sequence

__all__ = ["GrowingMemory"]


class GrowingMemory:
    """Rows of a static batch in a DynamicCache: every step really allocates new tensors and copies the old ones.

    Rows are padded on the left, so that all of them end at the same column.
    """

    def __init__(self) -> None:
        self.rows: list[Sequence] = []  # in the order of the tensors' first axis
        self.padding: list[int] = []  # columns at the left of each row that are nobody's
        self.cache: DynamicCache | None = None

    def hold(self, sequence: Sequence) -> None:
        """Add a row to a batch that has computed nothing yet; raises InvariantError later on."""
        if self.cache is not None:
            raise InvariantError(f"{sequence} joins a static batch that is running")
        self.rows.append(sequence)

    def free(self, sequence: Sequence) -> None:
        """Take a row out; the tensors go with the last one."""
        self.rows.remove(sequence)
        if not self.rows:
            self.cache, self.padding = None, []

    def relocate(self, moves: list[Relocation]) -> None:
        """Tensors are not placed by us; raises InvariantError."""
        raise InvariantError(f"tensors were asked to move: {moves}")

    def begin(self, lengths: list[int]) -> DynamicCache:
        """Start the batch, whose rows have these lengths."""
        self.cache = DynamicCache()
        self.padding = [max(lengths) - length for length in lengths]
        return self.cache

    @property
    def length(self) -> int:
        """Columns of the tensors."""
        tensors = self._tensors()
        return tensors[0].shape[2] if tensors else 0

    def written(self) -> int:
        """Columns of all rows, padding included."""
        tensors = self._tensors()
        if any(tensor.shape != tensors[0].shape for tensor in tensors):
            raise InvariantError("the layers' tensors differ in shape")
        return tensors[0].shape[0] * tensors[0].shape[2] if tensors else 0

    @property
    def kv_bytes(self) -> int:
        """Bytes of the tensors as they are now."""
        return sum(tensor.nbytes for tensor in self._tensors())

    def _tensors(self) -> list[Tensor]:
        layers: list[Any] = [] if self.cache is None else list(self.cache.layers)
        return [tensor for layer in layers for tensor in (layer.keys, layer.values)]
