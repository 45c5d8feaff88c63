"""Which tokens a replay must say: those of transformers' generate on each prompt."""

from collections.abc import Mapping

from gpu_validate.replay import Replayed
from gpu_validate.shapes import Family
from s3sim.core.events import Event
from tests.gpu.cases import Case
from tests.gpu.models import greedy

__all__ = ["expected", "said_all"]


def expected(case: Case, family: Family, idents: set[int]) -> dict[int, list[int]]:
    """Output tokens by request id, as many as each request has."""
    return {ident: list(greedy(family, ident, case.prompts[ident])[: case.world.outputs[ident]]) for ident in idents}


def said_all(case: Case, family: Family, replayed: Replayed) -> None:
    """Assert that every request that finished said what generate says."""
    finished = {row[2] for row in replayed.log.event_rows() if row[1] == Event.FINISHED}
    said: Mapping[int, list[int]] = replayed.tokens
    assert {ident: said[ident] for ident in finished} == expected(case, family, finished)
