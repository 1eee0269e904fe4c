"""The whole flow in one call: search, solve, fine-tune, deploy, compare."""

from mpsolve.training.flow.flow import run_flow as run_flow
from mpsolve.training.flow.outcome import FlowResult as FlowResult
from mpsolve.training.flow.outcome import Row as Row
from mpsolve.training.flow.outcome import Tuned as Tuned
from mpsolve.training.flow.points import Point as Point
from mpsolve.training.flow.settings import FlowSettings as FlowSettings
