"""Timelines of a point: its event log in the Chrome trace-event format, which Perfetto opens."""

from s3sim.report.timeline.export import timeline_of, write_timeline
from s3sim.report.timeline.parts import PROCESSES, Instant, Sample, Slice, Timeline, Track
from s3sim.report.timeline.span import Span, span_of
from s3sim.report.timeline.trace_event import trace_events

__all__ = [
    "PROCESSES",
    "Instant",
    "Sample",
    "Slice",
    "Span",
    "Timeline",
    "Track",
    "span_of",
    "timeline_of",
    "trace_events",
    "write_timeline",
]
