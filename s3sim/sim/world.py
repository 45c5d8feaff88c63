"""A world: one replica on a simulated device, run from its first arrival to its last token."""

from dataclasses import dataclass, replace

import simpy

from s3sim.core.events import EventLog
from s3sim.core.protocols import LatencyModel
from s3sim.core.replica import Replica
from s3sim.policies.registry import Choices
from s3sim.sim.driver import serve
from s3sim.sim.executor import Outputs, SimulatedExecutor
from s3sim.sim.inbox import Incoming
from s3sim.sim.link import HostLink, LinkSpeed
from s3sim.sim.pipeline import Pipeline

__all__ = ["Device", "run_world"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a world needs to know of the hardware."""

    model: LatencyModel
    capacity: int  # slots
    host_tokens: int  # slots' worth of host memory
    link: LinkSpeed
    max_length: int  # tokens, prompt and output
    stages: int = 1  # of the pipeline; each lane has its share of the capacity


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
    capacity = device.capacity // device.stages
    scheduler = choices.scheduler(name=name, capacity=capacity, max_length=device.max_length)
    if device.stages > 1 and scheduler.max_num_seqs is not None:
        scheduler = replace(scheduler, max_num_seqs=-(-scheduler.max_num_seqs // device.stages))
    accounts = [choices.kv(capacity) for _ in range(device.stages)]
    replica = Replica(
        scheduler,
        accounts[0],
        further_lanes=accounts[1:],
        log=log,
        host_tokens=device.host_tokens,
        latency=device.model,
    )
    env = simpy.Environment(initial_time=0)
    executor = SimulatedExecutor(device.model, output_tokens, lanes=device.stages)
    link = HostLink(env, device.link)
    if device.stages > 1:
        Pipeline(env, replica, executor, inbox, link).run()
    else:
        env.run(env.process(serve(env, replica, executor, inbox, link, single_steps=single_steps)))
    replica.check_integrity()
    return log
