"""All importers by name; a new one is one file and one entry here."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from mpsolve.errors import InputError
from mpsolve.profiles.importers.gguf import Gguf
from mpsolve.profiles.importers.haq import Haq
from mpsolve.profiles.importers.importer import Need
from mpsolve.profiles.importers.onnxruntime_profile import OnnxRuntimeProfile
from mpsolve.profiles.importers.quantlib_json import QuantlibJson
from mpsolve.profiles.importers.quantlib_sheet import QuantlibSheet
from mpsolve.profiles.importers.tensorrt import TensorRt
from mpsolve.profiles.importers.tidy import Tidy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from mpsolve.model.precision import Precision
    from mpsolve.profiles.importers.importer import Imported, Importer
    from mpsolve.profiles.networks.network import Network

_ALL: tuple[Importer, ...] = (
    Tidy(),
    TensorRt(),
    OnnxRuntimeProfile(),
    QuantlibSheet(),
    QuantlibJson(),
    Haq(),
    Gguf(),
)
IMPORTERS = {importer.name: importer for importer in _ALL}


def import_table(
    form: str,
    paths: Sequence[str | PathLike[str]],
    *,
    network: Network | None = None,
    precisions: Sequence[Precision] = (),
) -> Imported:
    """Read files of another program as a latency table.

    Parameters
    ----------
    form
        One of `IMPORTERS`.
    paths
        The files.
    network
        The network, where the format needs it or can use it.
    precisions
        One for each file, where a file holds a single precision.

    Raises
    ------
    InputError
        If the format is unknown, something that it needs is missing, or something is given that
        it cannot use.
    TableError
        If a file is not what it should be; the message names the file and the place.
    """
    importer = find_importer(form)
    _check_files(importer, len(paths))
    if importer.network is Need.REQUIRED and network is None:
        raise InputError(f"{form} knows no layers by name; give the network that it is for.")
    if importer.network is Need.UNUSED and network is not None:
        raise InputError(f"{form} names its layers itself; leave out the network.")
    if importer.precisions is Need.UNUSED and precisions:
        raise InputError(f"{form} states its precisions itself; leave them out.")
    if importer.precisions is Need.REQUIRED and len(precisions) != len(paths):
        raise InputError(
            f"A file of {form} holds one precision and does not state it; give one for each of "
            f"the {len(paths)} files."
        )
    return importer.read([Path(path) for path in paths], network, precisions)


def find_importer(form: str) -> Importer:
    """The importer of this name; unknown names are answered with a similar one."""
    if form not in IMPORTERS:
        close = get_close_matches(form, IMPORTERS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(IMPORTERS)}."
        raise InputError(f"There is no format {form!r}; {hint}")
    return IMPORTERS[form]


def _check_files(importer: Importer, given: int) -> None:
    least, most = importer.files
    if given < least or (most is not None and given > most):
        number = f"{least} file" if least == most else f"{least} or more files"
        number = number if least == most or most is None else f"at most {most} file"
        raise InputError(f"{importer.name} is read from {number}, not from {given}.")
