"""The tensor of a command: drawn from a distribution, or read from a .npy, .npz or .safetensors file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.base.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

ROWS, COLUMNS = 256, 1024
"""Shape of a tensor that is drawn."""

DISTRIBUTIONS: dict[str, dict[str, Any]] = {
    "normal": {},
    "uniform": {},
    "laplace": {},
    "student_t": {"dof": 5.0},
}
"""Names to what has no default in `hwsim.workload.distributions`."""


def named_distribution(name: str) -> Any:
    """One of `DISTRIBUTIONS` as a record of `hwsim.workload.distributions`."""
    from pydantic import TypeAdapter

    from hwsim.workload.distributions import Distribution

    return TypeAdapter[Any](Distribution).validate_python({"distribution": name, **DISTRIBUTIONS[name]})


def drawn_tensor(distribution: str, seed: int) -> np.ndarray:
    """`ROWS` × `COLUMNS` values, float32; the same seed gives the same bits."""
    from hwsim.workload.distributions import Streams, draw_rows

    made = named_distribution(distribution)
    return draw_rows(made, Streams(seed, "formats", distribution), range(ROWS), COLUMNS)


def read_tensor(argument: str) -> np.ndarray:
    """The tensor that ``FILE`` or ``FILE:name`` means; a name may be left out where the file holds one tensor.

    Raises `InputError` for a file that cannot be read, an unknown name and tensors that hold no finite numbers.
    """
    path, name = _split(argument)
    if path.suffix == ".npy":
        if name:
            raise InputError(f"{path}: a .npy file holds one tensor and no names, got '{name}'")
        return _npy(path)
    from hwsim.workload.tensor_file import TensorFile

    file = TensorFile(path)
    if name is None:
        if len(file.names) != 1:
            raise InputError(f"{path}: holds {len(file.names)} tensors; name one ({path}:NAME){_some(file.names)}")
        name = file.names[0]
    return file.array(name)


def _split(argument: str) -> tuple[Path, str | None]:
    """File and name; a file whose own name has a colon is found as it stands."""
    if Path(argument).exists() or ":" not in argument:
        return Path(argument), None
    path, name = argument.rsplit(":", 1)
    for suffix in (".npy", ".npz", ".safetensors"):  # names of tensors may have colons too
        if f"{suffix}:" in argument:
            path, name = argument.split(f"{suffix}:", 1)
            return Path(path + suffix), name
    return Path(path), name


def _some(names: list[str]) -> str:
    return did_you_mean("", names) or f"; the first: {', '.join(names[:4])}"


def _npy(path: Path) -> np.ndarray:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: no readable tensor file ({str(error).splitlines()[0]})") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise InputError(f"{path}: expected an array of numbers")
    return array
