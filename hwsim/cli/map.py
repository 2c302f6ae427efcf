"""``hwsim map``: how products are mapped, as loop nests to read, draw, save and fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hwsim.base.errors import InputError

if TYPE_CHECKING:
    from hwsim.mapping.fixed import Mappings

_FILE = click.Path(path_type=Path)


@click.command("map")
@click.argument("arch")
@click.argument("workload")
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="Only this product; may be given again.")
@click.option(
    "--objective", type=click.Choice(["cycles", "energy", "edp", "traffic"]),
    help="What is least; default: what the architecture says.",
)  # fmt: skip
@click.option("--pareto", is_flag=True, help="Every mapping that no other beats in both cycles and energy.")
@click.option(
    "-o", "--output", metavar="FILE.yaml", type=_FILE, help="Write all mappings there, to be changed and fixed."
)
@click.option("--force", is_flag=True, help="Replace an earlier FILE.")
@click.option("--fix", metavar="FILE.yaml", type=_FILE, help="Mappings, or parts of them, that are given.")
@click.option("--draw", metavar="FILE.png", type=_FILE, help="Draw the loop nests with what every memory moves.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def map_command(
    arch: str,
    workload: str,
    layers: tuple[str, ...],
    objective: str | None,
    pareto: bool,
    output: Path | None,
    force: bool,
    fix: Path | None,
    draw: Path | None,
    as_json: bool,
) -> None:
    """Map the products of WORKLOAD on ARCH: loop nests, cycles, traffic, and how good they are."""
    from hwsim.arch import Architecture
    from hwsim.workload import Workload

    if pareto and (output is not None or draw is not None):
        raise InputError("--pareto prints several mappings of a product; --output and --draw take one: choose by --fix")
    for file in (output, draw):
        if file is not None and file.exists() and not force:
            raise InputError(f"{file}: exists; name another file, or add --force to replace it")
    architecture, work = Architecture.load(arch), Workload.load(workload)
    if objective is not None:
        architecture = architecture.override({"mapping.objective": objective})
    fixed = read_mappings(fix)
    from hwsim.engine.mapped import map_products
    from hwsim.report.mappings import mappings_json, mappings_text, mappings_yaml

    products = map_products(architecture, work, layers=layers, mappings=fixed, front=pareto)
    if draw is not None:
        from hwsim.report.mapping_picture import mapping_picture

        draw.write_bytes(mapping_picture(products))
    if output is not None:
        output.write_text(mappings_yaml(products, arch, workload), encoding="utf-8")
    if as_json:
        plain = mappings_json(products, architecture.name, work.name)
        click.echo(json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False))
        return
    click.echo(mappings_text(products))


def read_mappings(file: Path | None) -> Mappings | None:
    """The mappings of a file that ``hwsim map`` wrote or a person did."""
    if file is None:
        return None
    from hwsim.mapping.fixed import Mappings

    return Mappings.load(file)
