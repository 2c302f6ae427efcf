"""``hwsim show``: everything that goes by a name, with its numbers and where they come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hwsim.base.errors import InputError, did_you_mean, naming
from hwsim.base.shipped import shipped
from hwsim.cli import console
from hwsim.cli.listing import registries

if TYPE_CHECKING:
    from rich.console import RenderableType

Views = list["RenderableType"]


@click.command()
@click.argument("name", metavar="[KIND] NAME")
@click.argument("rest", required=False, metavar="")
@click.option(
    "-o",
    "--output",
    metavar="FILE.png",
    type=click.Path(path_type=Path),
    help="Of a format: draw its values on a line and its relative error against magnitude.",
)
@click.option("--node", help="Of a component: the technology (default 7nm).")
@click.option("--arch", help="Of a component: the architecture that it is a part of.")
@click.option(
    "--target",
    type=click.Choice(["asic", "fpga"]),
    default="asic",
    help="Of a component: energy and area on a chip, or look-up tables, flip-flops, DSPs and RAM blocks.",
)
@click.option("--json", "as_json", is_flag=True, help="Of a component: print its numbers as JSON.")
def show(
    name: str, rest: str | None, output: Path | None, node: str | None, arch: str | None, target: str, as_json: bool
) -> None:
    """Show a format, unit, multiplier, memory, DRAM standard, technology, architecture… by name.

    A kind in front (technology/7nm, reductions/exact) says which, where a name has several meanings; without it all
    are shown. A path to a YAML file shows what it describes.

    \b
    hwsim show component int8_multiply --node 45nm     a block of gates at a node
    hwsim show component sram:64KiB:8B                 a memory
    hwsim show component buffer --arch ARCH            a part of an architecture
    hwsim show component compute --arch ARCH --target fpga
    """
    kind, _, item = f"{name}/{rest}".partition("/") if rest else name.partition("/")
    if kind in ("component", "components"):
        _show_component(item, node, arch, target, as_json)
        return
    name = f"{kind}/{item}" if rest else name
    given = {"--node": node, "--arch": arch, "--target fpga": target == "fpga", "--json": as_json}
    if wrong := next((option for option, value in given.items() if value), None):
        raise InputError(f"{wrong} is for components: hwsim show component NAME {wrong}")
    views = views_of(name)
    if output is not None:
        _draw(name, output)
    console.show(*views)


def _show_component(name: str, node: str | None, arch: str | None, target: str, as_json: bool) -> None:
    from hwsim.cli.component_view import component_json, component_numbers, component_view

    found = component_numbers(name, node, arch, fpga=target == "fpga")
    if as_json:
        click.echo(json.dumps(component_json(found), indent=1, ensure_ascii=False, allow_nan=False))
        return
    console.show(*component_view(found))


def _draw(name: str, output: Path) -> None:
    from hwsim import formats
    from hwsim.cli.format_view import write_format_figure

    with naming(f"{output}: only formats have a figure"):
        found = formats.named_or_described(name.removeprefix("formats/").removeprefix("format/"))
        if len(found) > 1:
            raise InputError(f"{name} describes {len(found)} of them; a figure shows one")
    write_format_figure(found[0], output)


def views_of(name: str) -> Views:
    """What there is to say about ``name``; raises `InputError` with the nearest name."""
    kind, _, rest = name.partition("/")
    kinds = {found: found for found in _SHOWN} | {_singular(found): found for found in _SHOWN}
    if rest and kind in kinds:
        views = _SHOWN[kinds[kind]](rest)
        if views is None:
            raise InputError(f"unknown {_singular(kinds[kind])} '{rest}'{did_you_mean(rest, _names(kinds[kind]))}")
        return views
    if name.endswith((".yaml", ".yml")):
        return _file(name)
    found = [view for shown in _SHOWN.values() for view in shown(name) or []]
    if not found:
        known = {each for kind in _SHOWN for each in _names(kind)}
        raise InputError(f"nothing is called '{name}'{did_you_mean(name, known)}")
    return found


def _singular(kind: str) -> str:
    return {"technologies": "technology", "memories": "memory", "studies": "study"}.get(kind, kind.removesuffix("s"))


def _names(kind: str) -> Iterator[str]:
    if kind == "formats":
        from hwsim import formats

        return iter(formats.names())
    if kind in ("technologies", "drams"):
        from hwsim import technology
        from hwsim.technology import dram

        return iter(technology.names() if kind == "technologies" else dram.STANDARDS)
    if kind in ("archs", "workloads", "studies"):
        return iter(shipped(kind))
    if kind == "orders":
        return iter(shipped("gemm_orders"))
    if kind == "matrix-units":
        return iter(shipped("matrix_units"))
    return iter(registries()[kind].names())


def _file(path: str) -> Views:
    from hwsim.base.document import read_document
    from hwsim.cli.check import recognise
    from hwsim.cli.views import architecture_view, text_view

    document = read_document(path)
    kind = recognise(document)
    if kind == "formats":
        from hwsim import formats
        from hwsim.cli.format_view import format_view

        return [view for fmt in formats.load(path).values() for view in format_view(fmt)]
    if kind == "matrix_units":
        from hwsim.arch.matrix_units import MatrixUnitFile
        from hwsim.cli.matrix_unit_view import matrix_unit_view

        return matrix_unit_view(MatrixUnitFile.load(path))
    if kind != "archs":
        return text_view(path, document.text)
    from hwsim.arch import Architecture

    return architecture_view(Architecture.from_document(document))


def _format(name: str) -> Views | None:
    from hwsim import formats
    from hwsim.cli.format_view import format_view

    try:
        found = formats.get(name)
    except InputError:
        return None
    return format_view(found)


def _technology(name: str) -> Views | None:
    from hwsim import technology
    from hwsim.cli.views import technology_view

    return technology_view(technology.get(name)) if name in technology.names() else None


def _dram(name: str) -> Views | None:
    from hwsim.cli.views import dram_view
    from hwsim.memory.dram_standards import STANDARDS

    found = next((standard for known, standard in STANDARDS.items() if known.lower() == name.lower()), None)
    return None if found is None else dram_view(found)


def _part(kind: str) -> Callable[[str], Views | None]:
    def views(name: str) -> Views | None:
        from hwsim.cli.views import part_view

        parts = registries()[kind].items()
        return part_view(name, _singular(kind), parts[name]) if name in parts else None

    return views


def _shipped(kind: str) -> Callable[[str], Views | None]:
    return lambda name: _file(str(shipped(kind)[name])) if name in shipped(kind) else None


_SHOWN: dict[str, Callable[[str], Views | None]] = {
    "formats": _format,
    "technologies": _technology,
    "drams": _dram,
    **{kind: _part(kind) for kind in ("units", "multipliers", "reductions", "accumulators", "memories")},
    **{kind: _shipped(kind) for kind in ("archs", "workloads", "studies")},
    "orders": _shipped("gemm_orders"),
    "matrix-units": _shipped("matrix_units"),
}
"""Kind to what shows a name of that kind, or answers None."""
