"""Figures: frames in, matplotlib Figures out; they read no file and write none."""

from matplotlib.figure import Figure

from s3sim.report.figures.bars import bars
from s3sim.report.figures.cliff import utilisation
from s3sim.report.figures.curves import throughput_latency
from s3sim.report.figures.distributions import latency_cdf
from s3sim.report.figures.extents import kv_map
from s3sim.report.figures.foresight import foresight_over_time
from s3sim.report.figures.load import slo_over_load
from s3sim.report.figures.maps import maps
from s3sim.report.figures.memory import kv_over_time
from s3sim.report.figures.panels import Line, panels
from s3sim.report.figures.predictor import calibration, confusion_matrix
from s3sim.report.figures.timeline import timeline
from s3sim.report.figures.tornado import Bar, tornado
from s3sim.report.figures.trace import trace_arrivals, trace_lengths

__all__ = [
    "Bar",
    "Figure",
    "Line",
    "bars",
    "calibration",
    "confusion_matrix",
    "foresight_over_time",
    "kv_map",
    "kv_over_time",
    "latency_cdf",
    "maps",
    "panels",
    "slo_over_load",
    "throughput_latency",
    "timeline",
    "tornado",
    "trace_arrivals",
    "trace_lengths",
    "utilisation",
]
