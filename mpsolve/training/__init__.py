"""Everything that needs torch: data, quantisers, differentiable searches, fine-tuning, export.

Importing this package loads no torch; its names do when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from mpsolve.errors import MissingDependencyError

if TYPE_CHECKING:
    from mpsolve.deploy.network import IntegerNetwork as IntegerNetwork
    from mpsolve.profiles.merge import with_sensitivity as with_sensitivity
    from mpsolve.training.callbacks import Callback as Callback
    from mpsolve.training.data import DataSet as DataSet
    from mpsolve.training.data import load_data as load_data
    from mpsolve.training.deployment.agreement import Agreement as Agreement
    from mpsolve.training.deployment.agreement import agreement as agreement
    from mpsolve.training.deployment.export import export as export
    from mpsolve.training.deployment.integerise import integerise as integerise
    from mpsolve.training.finetuning import FineTuned as FineTuned
    from mpsolve.training.finetuning import finetune as finetune
    from mpsolve.training.flow.flow import run_flow as run_flow
    from mpsolve.training.flow.outcome import FlowResult as FlowResult
    from mpsolve.training.flow.points import Point as Point
    from mpsolve.training.flow.report import write_report as write_report
    from mpsolve.training.flow.settings import FlowSettings as FlowSettings
    from mpsolve.training.full_precision import FullPrecision as FullPrecision
    from mpsolve.training.full_precision import train_full_precision as train_full_precision
    from mpsolve.training.haq.episodes import HaqResult as HaqResult
    from mpsolve.training.haq.plot import plot_haq as plot_haq
    from mpsolve.training.haq.search import search_haq as search_haq
    from mpsolve.training.haq.settings import HaqSettings as HaqSettings
    from mpsolve.training.loop import train as train
    from mpsolve.training.models import build_model as build_model
    from mpsolve.training.models.load import load_model as load_model
    from mpsolve.training.outcome import Trained as Trained
    from mpsolve.training.parameters import ParameterGroups as ParameterGroups
    from mpsolve.training.parameters import parameter_groups as parameter_groups
    from mpsolve.training.quantisers.grid import Grid as Grid
    from mpsolve.training.quantisers.quantiser import Mode as Mode
    from mpsolve.training.quantisers.quantiser import Quantiser as Quantiser
    from mpsolve.training.quantisers.quantiser import set_mode as set_mode
    from mpsolve.training.quantisers.rounding import fake_quantise as fake_quantise
    from mpsolve.training.quantisers.thresholds import MovingThreshold as MovingThreshold
    from mpsolve.training.quantisers.tqt import TqtQuantiser as TqtQuantiser
    from mpsolve.training.quantisers.tqt import normalise_gradients as normalise_gradients
    from mpsolve.training.quantisers.uniform import UniformQuantiser as UniformQuantiser
    from mpsolve.training.rebuild import LoadedRun as LoadedRun
    from mpsolve.training.rebuild import load_run as load_run
    from mpsolve.training.recipes import Recipe as Recipe
    from mpsolve.training.recipes import load_recipe as load_recipe
    from mpsolve.training.recipes import recipe_for as recipe_for
    from mpsolve.training.search.bayesian_bits import BayesianBitsQuantiser as BayesianBitsQuantiser
    from mpsolve.training.search.bayesian_bits import set_generator as set_generator
    from mpsolve.training.search.choice import Choice as Choice
    from mpsolve.training.search.choice import Fixed as Fixed
    from mpsolve.training.search.edmips import EdmipsQuantiser as EdmipsQuantiser
    from mpsolve.training.search.edmips import Mixture as Mixture
    from mpsolve.training.search.gates import Gates as Gates
    from mpsolve.training.search.gates import HardConcrete as HardConcrete
    from mpsolve.training.search.layers import SearchedLayer as SearchedLayer
    from mpsolve.training.search.regularisers import bop_regulariser as bop_regulariser
    from mpsolve.training.search.regularisers import edmips_cost as edmips_cost
    from mpsolve.training.search.regularisers import expected_bops as expected_bops
    from mpsolve.training.search.regularisers import expected_latency as expected_latency
    from mpsolve.training.searching import SearchResult as SearchResult
    from mpsolve.training.searching import search_precisions as search_precisions
    from mpsolve.training.sensitivity.cross_terms import cross_terms as cross_terms
    from mpsolve.training.sensitivity.cross_terms import neighbours as neighbours
    from mpsolve.training.sensitivity.examples import Examples as Examples
    from mpsolve.training.sensitivity.joint import joint_losses as joint_losses
    from mpsolve.training.sensitivity.measure import clipping as clipping
    from mpsolve.training.sensitivity.measure import measure_sensitivities as measure_sensitivities
    from mpsolve.training.sensitivity.metric import Sensitivity as Sensitivity
    from mpsolve.training.sensitivity.predictiveness import predictiveness as predictiveness
    from mpsolve.training.sensitivity.registry import METRICS as METRICS
    from mpsolve.training.wrapping.build import Build as Build
    from mpsolve.training.wrapping.fixed import FixedPrecision as FixedPrecision
    from mpsolve.training.wrapping.fixed import Tqt as Tqt
    from mpsolve.training.wrapping.groups import ActivationGroup as ActivationGroup
    from mpsolve.training.wrapping.groups import WeightedLayer as WeightedLayer
    from mpsolve.training.wrapping.observation import GroupThreshold as GroupThreshold
    from mpsolve.training.wrapping.quantised_model import QuantisedModel as QuantisedModel
    from mpsolve.training.wrapping.searched import BayesianBits as BayesianBits
    from mpsolve.training.wrapping.searched import Edmips as Edmips
    from mpsolve.training.wrapping.wrap import quantise_model as quantise_model

#: Public name -> where it is.
_HOMES = {
    "Callback": "mpsolve.training.callbacks",
    "DataSet": "mpsolve.training.data",
    "load_data": "mpsolve.training.data",
    "Trained": "mpsolve.training.outcome",
    "train": "mpsolve.training.loop",
    "build_model": "mpsolve.training.models",
    "Recipe": "mpsolve.training.recipes",
    "load_recipe": "mpsolve.training.recipes",
    "ParameterGroups": "mpsolve.training.parameters",
    "parameter_groups": "mpsolve.training.parameters",
    "Grid": "mpsolve.training.quantisers.grid",
    "Mode": "mpsolve.training.quantisers.quantiser",
    "Quantiser": "mpsolve.training.quantisers.quantiser",
    "set_mode": "mpsolve.training.quantisers.quantiser",
    "fake_quantise": "mpsolve.training.quantisers.rounding",
    "MovingThreshold": "mpsolve.training.quantisers.thresholds",
    "TqtQuantiser": "mpsolve.training.quantisers.tqt",
    "normalise_gradients": "mpsolve.training.quantisers.tqt",
    "UniformQuantiser": "mpsolve.training.quantisers.uniform",
    "BayesianBitsQuantiser": "mpsolve.training.search.bayesian_bits",
    "set_generator": "mpsolve.training.search.bayesian_bits",
    "Choice": "mpsolve.training.search.choice",
    "Fixed": "mpsolve.training.search.choice",
    "EdmipsQuantiser": "mpsolve.training.search.edmips",
    "Mixture": "mpsolve.training.search.edmips",
    "Gates": "mpsolve.training.search.gates",
    "HardConcrete": "mpsolve.training.search.gates",
    "SearchedLayer": "mpsolve.training.search.layers",
    "bop_regulariser": "mpsolve.training.search.regularisers",
    "edmips_cost": "mpsolve.training.search.regularisers",
    "expected_bops": "mpsolve.training.search.regularisers",
    "expected_latency": "mpsolve.training.search.regularisers",
    "Build": "mpsolve.training.wrapping.build",
    "FixedPrecision": "mpsolve.training.wrapping.fixed",
    "Tqt": "mpsolve.training.wrapping.fixed",
    "ActivationGroup": "mpsolve.training.wrapping.groups",
    "WeightedLayer": "mpsolve.training.wrapping.groups",
    "GroupThreshold": "mpsolve.training.wrapping.observation",
    "QuantisedModel": "mpsolve.training.wrapping.quantised_model",
    "BayesianBits": "mpsolve.training.wrapping.searched",
    "Edmips": "mpsolve.training.wrapping.searched",
    "quantise_model": "mpsolve.training.wrapping.wrap",
    "Agreement": "mpsolve.training.deployment.agreement",
    "agreement": "mpsolve.training.deployment.agreement",
    "export": "mpsolve.training.deployment.export",
    "integerise": "mpsolve.training.deployment.integerise",
    "IntegerNetwork": "mpsolve.deploy.network",
    "LoadedRun": "mpsolve.training.rebuild",
    "load_run": "mpsolve.training.rebuild",
    "FineTuned": "mpsolve.training.finetuning",
    "finetune": "mpsolve.training.finetuning",
    "FlowResult": "mpsolve.training.flow.outcome",
    "FlowSettings": "mpsolve.training.flow.settings",
    "Point": "mpsolve.training.flow.points",
    "run_flow": "mpsolve.training.flow.flow",
    "write_report": "mpsolve.training.flow.report",
    "HaqResult": "mpsolve.training.haq.episodes",
    "HaqSettings": "mpsolve.training.haq.settings",
    "plot_haq": "mpsolve.training.haq.plot",
    "search_haq": "mpsolve.training.haq.search",
    "FullPrecision": "mpsolve.training.full_precision",
    "train_full_precision": "mpsolve.training.full_precision",
    "SearchResult": "mpsolve.training.searching",
    "search_precisions": "mpsolve.training.searching",
    "load_model": "mpsolve.training.models.load",
    "recipe_for": "mpsolve.training.recipes",
    "Examples": "mpsolve.training.sensitivity.examples",
    "Sensitivity": "mpsolve.training.sensitivity.metric",
    "measure_sensitivities": "mpsolve.training.sensitivity.measure",
    "clipping": "mpsolve.training.sensitivity.measure",
    "METRICS": "mpsolve.training.sensitivity.registry",
    "with_sensitivity": "mpsolve.profiles.merge",
    "predictiveness": "mpsolve.training.sensitivity.predictiveness",
    "joint_losses": "mpsolve.training.sensitivity.joint",
    "cross_terms": "mpsolve.training.sensitivity.cross_terms",
    "neighbours": "mpsolve.training.sensitivity.cross_terms",
}

if not TYPE_CHECKING:
    __all__ = sorted(_HOMES)

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'mpsolve.training' has no attribute {name!r}")
        try:
            module = import_module(_HOMES[name])
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "torch":
                raise
            raise MissingDependencyError("torch", "training", f"mpsolve.training.{name}") from error
        globals()[name] = value = getattr(module, name)
        return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
