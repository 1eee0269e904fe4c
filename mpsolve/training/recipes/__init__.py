"""Recipes: how a network is trained, in TOML files that anybody can read and change."""

from mpsolve.training.recipes.choose import chosen_recipe as chosen_recipe
from mpsolve.training.recipes.choose import recipe_for as recipe_for
from mpsolve.training.recipes.read import load_recipe as load_recipe
from mpsolve.training.recipes.read import recipes as recipes
from mpsolve.training.recipes.recipe import BayesianBitsSettings as BayesianBitsSettings
from mpsolve.training.recipes.recipe import EdMipsSettings as EdMipsSettings
from mpsolve.training.recipes.recipe import OptimiserSettings as OptimiserSettings
from mpsolve.training.recipes.recipe import QuantisationSettings as QuantisationSettings
from mpsolve.training.recipes.recipe import Recipe as Recipe
