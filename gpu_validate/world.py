"""All parts of one replay, put together: replica, account, memory, forward pass, mover and driver."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from gpu_validate.account import FollowedKV
from gpu_validate.arena import Arena
from gpu_validate.clock import Clock
from gpu_validate.executor import Forward, Options, TorchExecutor
from gpu_validate.growing import GrowingMemory
from gpu_validate.memory import BlockMemory, ExtentMemory, Memory, SlotMemory
from gpu_validate.model import LoadedModel
from gpu_validate.mover import Mover, NoMover
from gpu_validate.packed import Packed
from gpu_validate.padded import Growing, Padded
from gpu_validate.plan import Mode
from gpu_validate.replay import Replay, Replayed
from gpu_validate.texts import Texts
from s3sim.core.errors import InputError
from s3sim.core.events import EventLog
from s3sim.core.kv_cache import CountedKV, KVCacheManager, PagedKV
from s3sim.core.piecewise import PiecewiseKV
from s3sim.core.protocols import LatencyModel
from s3sim.core.replica import Replica, Scheduler
from s3sim.policies.registry import Choices
from s3sim.sim.executor import Outputs
from s3sim.sim.inbox import Incoming

__all__ = ["Settings", "World", "assemble", "replay_world"]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is served, by which system, in how much memory: all that simulation and replay share."""

    name: str
    choices: Choices
    capacity: int  # slots
    host_tokens: int  # slots' worth of host memory
    max_length: int  # tokens, prompt and output
    inbox: Callable[[], Incoming]  # a new one for each run
    outputs: Outputs  # true output tokens by request id, for the executor alone
    latency: LatencyModel | None = None  # for policies that ask how long a step would take, on either side

    def scheduler(self) -> Scheduler:
        """The system's decisions."""
        return self.choices.scheduler(name=self.name, capacity=self.capacity, max_length=self.max_length)

    def kv(self) -> KVCacheManager:
        """A new account of its slots."""
        return self.choices.kv(self.capacity)

    def replica(self, kv: KVCacheManager) -> Replica:
        """A new replica that keeps this account."""
        return Replica(self.scheduler(), kv, log=EventLog(), host_tokens=self.host_tokens, latency=self.latency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a replay is run, besides the world and the model."""

    clock: Clock
    mode: Mode = "packed"  # of steps; static batches are always padded
    seed: int = 0  # of the prompts' tokens
    strict: bool = False  # unwritten and released slots hold NaN, and reading one raises
    keep_logits: bool = False
    forced: Mapping[int, list[int]] = field(default_factory=dict)
    timeout_s: float | None = None
    on_step: Callable[[Replica, int], None] | None = None


def replay_world(world: World, model: LoadedModel, settings: Settings) -> Replayed:
    """Serve every request of the world on the model's device."""
    return assemble(world, model, settings).run()


def assemble(world: World, model: LoadedModel, settings: Settings) -> Replay:
    """A replay that is ready to run; raises InputError for sequences that the model has no positions for."""
    if world.max_length > model.positions:
        raise InputError(
            f"max_length: {world.max_length} tokens; model {model.name!r} has {model.positions} positions; lower it"
        )
    kv = world.kv()
    memory = _memory(kv, model, strict=settings.strict)
    account = FollowedKV(kv, memory, model.device)
    slots = None if isinstance(memory, GrowingMemory) else memory
    replica = world.replica(account)
    options = Options(
        static=replica.scheduler.static is not None, strict=settings.strict, keep_logits=settings.keep_logits
    )
    executor = TorchExecutor(
        _forward(memory, model, padded=options.static or settings.mode == "padded"),
        account,
        model.device,
        texts=Texts(vocab=model.vocab, seed=settings.seed, forced=settings.forced),
        outputs=world.outputs,
        options=options,
    )
    return Replay(
        replica=replica,
        executor=executor,
        memory=memory,
        mover=Mover(slots, model.device, settings.clock) if slots else NoMover(),
        inbox=world.inbox(),
        clock=settings.clock,
        strict=settings.strict,
        deadline=None if settings.timeout_s is None else monotonic() + settings.timeout_s,
        on_step=settings.on_step,
    )


def _memory(kv: KVCacheManager, model: LoadedModel, *, strict: bool) -> SlotMemory | GrowingMemory:
    if isinstance(kv, PiecewiseKV):
        return GrowingMemory()
    arena = Arena.of(model, kv.capacity, strict=strict)
    if isinstance(kv, PagedKV):
        return BlockMemory(arena, kv.block_tokens)
    return BlockMemory(arena, 1) if isinstance(kv, CountedKV) else ExtentMemory(arena)


def _forward(memory: Memory, model: LoadedModel, *, padded: bool) -> Forward:
    if isinstance(memory, GrowingMemory):
        return Growing(model, memory)
    assert isinstance(memory, (ExtentMemory, BlockMemory))
    return Padded(model, memory) if padded else Packed(model, memory)
