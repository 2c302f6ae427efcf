"""``hwsim schema``: the JSON Schemas that let an editor complete and check the YAML files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

KINDS = ("arch", "workload", "study", "matrix_unit", "gemm_order", "mappings")


@click.command()
@click.argument("kind", required=False, type=click.Choice(KINDS))
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path), help="Write KIND.schema.json files there."
)
def schema(kind: str | None, output: Path | None) -> None:
    """Print or write the JSON Schema of architectures, workloads, studies, matrix units, GEMM orders and mappings.

    The first line of a YAML file names its schema for editors:
    # yaml-language-server: $schema=arch.schema.json
    """
    kinds = (kind,) if kind else KINDS
    schemas = {each: schema_of(each) for each in kinds}
    if output is None:
        click.echo(as_text(schemas[kind] if kind else schemas), nl=False)
        return
    output.mkdir(parents=True, exist_ok=True)
    for each, made in schemas.items():
        path = output / f"{each}.schema.json"
        path.write_text(as_text(made), encoding="utf-8")
        click.echo(str(path))


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file, one of `KINDS`."""
    from hwsim.base.json_schema import json_schema

    if kind == "arch":
        from hwsim.arch import Architecture

        return json_schema(Architecture)
    if kind == "gemm_order":
        from hwsim.units.gemm_order import GemmOrder

        return json_schema(GemmOrder)
    if kind == "mappings":
        from hwsim.mapping.fixed import Mappings

        return json_schema(Mappings)
    if kind == "workload":
        from hwsim.workload import Workload

        return json_schema(Workload)
    if kind == "matrix_unit":
        from hwsim.arch.matrix_units import MatrixUnitFile

        return json_schema(MatrixUnitFile)
    from hwsim.explore import Study

    return json_schema(Study)


def as_text(made: dict[str, Any]) -> str:
    """As committed beside the YAML files."""
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"
