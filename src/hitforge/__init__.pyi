"""Types of the public names; see ``__init__.py``."""

from hitforge.core.errors import ConfigError as ConfigError
from hitforge.core.errors import DataError as DataError
from hitforge.core.errors import HitforgeError as HitforgeError
from hitforge.core.errors import MissingExtraError as MissingExtraError
from hitforge.core.errors import RunError as RunError
from hitforge.events import Collection as Collection
from hitforge.events import Dataset as Dataset
from hitforge.events import Events as Events
from hitforge.library.batches import batches as batches
from hitforge.library.data import convert as convert
from hitforge.library.data import read as read
from hitforge.library.data import simulate as simulate
from hitforge.library.data import write as write
from hitforge.library.figures import Drawing as Drawing
from hitforge.library.figures import display as display
from hitforge.library.figures import plot as plot
from hitforge.library.numbers import Numbers as Numbers
from hitforge.library.numbers import compare as compare
from hitforge.library.numbers import measure as measure
from hitforge.library.plugins import baseline as baseline
from hitforge.library.plugins import detector as detector
from hitforge.library.plugins import metric as metric
from hitforge.library.plugins import model as model
from hitforge.library.plugins import plugins as plugins
from hitforge.library.plugins import read_recipe as read_recipe
from hitforge.library.plugins import representation as representation
from hitforge.library.plugins import settings as settings
from hitforge.library.plugins import source as source
from hitforge.library.plugins import target as target
from hitforge.library.plugins import task as task
from hitforge.library.runs import Run as Run
from hitforge.library.runs import load as load
from hitforge.library.runs import run as run
from hitforge.metrics import Predictions as Predictions
from hitforge.metrics import Value as Value

__version__: str
