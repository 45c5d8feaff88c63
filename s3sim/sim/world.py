"""A world: one replica on a simulated device, run from its first arrival to its last token."""

from dataclasses import dataclass

import simpy

from s3sim.core.events import EventLog
from s3sim.core.protocols import LatencyModel
from s3sim.core.replica import Replica
from s3sim.policies.registry import Choices
from s3sim.sim.driver import serve
from s3sim.sim.executor import Outputs, SimulatedExecutor
from s3sim.sim.inbox import Incoming
from s3sim.sim.link import HostLink, LinkSpeed

__all__ = ["Device", "run_world"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a world needs to know of the hardware."""

    model: LatencyModel
    capacity: int  # slots
    host_tokens: int  # slots' worth of host memory
    link: LinkSpeed
    max_length: int  # tokens, prompt and output


def run_world(
    *,
    name: str,
    choices: Choices,
    device: Device,
    inbox: Incoming,
    output_tokens: Outputs,
    single_steps: bool = False,
) -> EventLog:
    """Serve every request of the inbox with one system; `output_tokens` by request id, for the device alone."""
    log = EventLog()
    scheduler = choices.scheduler(name=name, capacity=device.capacity, max_length=device.max_length)
    replica = Replica(scheduler, choices.kv(device.capacity), log=log, host_tokens=device.host_tokens)
    env = simpy.Environment(initial_time=0)
    executor = SimulatedExecutor(device.model, output_tokens)
    link = HostLink(env, device.link)
    env.run(env.process(serve(env, replica, executor, inbox, link, single_steps=single_steps)))
    replica.check_integrity()
    return log
