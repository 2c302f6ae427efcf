"""``hwsim convert``: another tool's description of hardware in hwsim's words."""

from __future__ import annotations

from pathlib import Path

import click

from hwsim.base.errors import InputError


@click.command()
@click.argument("accelerator", type=click.Path(path_type=Path))
@click.argument("mapping", required=False, type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="FILE.yaml", type=click.Path(path_type=Path), help="Write it there.")
def convert(accelerator: Path, mapping: Path | None, output: Path | None) -> None:
    """Write ACCELERATOR, ZigZag's YAML or SCALE-Sim's .cfg, as an architecture in YAML.

    ZigZag's MAPPING says which loops are spread over which dimension of the array.
    """
    from hwsim.arch import Architecture
    from hwsim.arch.scalesim_config import read_config
    from hwsim.arch.zigzag_accelerator import ROWS, converted, is_accelerator, read_yaml
    from hwsim.base.document import read_document

    if accelerator.suffix == ".cfg":
        found = read_config(accelerator)
    else:
        document = read_yaml(accelerator)
        if not is_accelerator(document):
            raise InputError(f"{accelerator}: no accelerator of ZigZag: neither multipliers nor operational_array")
        found = converted(document, None if mapping is None else read_document(mapping, rows_as=ROWS))
    text = Architecture.from_document(found).text()
    if output is None:
        click.echo(text, nl=False)
        return
    if output.exists():
        raise InputError(f"{output}: exists; name another file")
    output.write_text(text, encoding="utf-8")
