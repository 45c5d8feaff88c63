"""The experiment YAML: strict, versioned, and resolved into points. The only room with pydantic and yaml."""

from s3sim.experiment.schema.loading import LoadedExperiment, load_experiment
from s3sim.experiment.schema.models import Experiment, json_schema

__all__ = ["Experiment", "LoadedExperiment", "json_schema", "load_experiment"]
