"""The command line: arguments in, one call into the package, results to stdout. Heavy imports wait for `run`."""

from __future__ import annotations

import errno
from typing import Any

import click

from hwsim.base.errors import HwsimError
from hwsim.cli.accumulators import accumulators
from hwsim.cli.check import check
from hwsim.cli.convert import convert
from hwsim.cli.formats import formats
from hwsim.cli.listing import list_parts
from hwsim.cli.map import map_command
from hwsim.cli.probe import probe
from hwsim.cli.reproduce import reproduce
from hwsim.cli.run import compare, explore, run
from hwsim.cli.schema import schema
from hwsim.cli.show import show
from hwsim.cli.tradeoff import tradeoff


class _OneLineErrors(click.Group):
    """Every failure is one line on stderr: exit code 2 for bad input, 1 for a run that failed, 130 for Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HwsimError as error:
            self._end(ctx, str(error), error.exit_code)
        except KeyboardInterrupt:
            self._end(ctx, "interrupted", 130)
        except MemoryError:
            self._end(ctx, "out of memory", 1)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # the reader has gone: click ends quietly
            self._end(ctx, f"{error.filename or 'cannot write'}: {error.strerror or error}", 1)
        return None

    @staticmethod
    def _end(ctx: click.Context, message: str, code: int) -> None:
        click.echo(" ".join(message.split()), err=True)
        ctx.exit(code)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from hwsim import __version__

        click.echo(f"hwsim {__version__}")
        ctx.exit()


@click.group(cls=_OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
def cli() -> None:
    """What a datapath computes, how long it takes, what energy it draws and how big it is.

    \b
    hwsim run systolic_int8_ws_32x32 digits_cnn        one architecture, one workload
    hwsim compare reference_fp32 tensorcore_fp8 -w digits_cnn       side by side
    hwsim map tpu_v4i_like resnet18 --layer layer1     loop nests, and how good they are
    hwsim formats compare int8 e4m3fn nf4              number formats on a tensor
    hwsim accumulators edge_int4 digits_vit            how many accumulator bits are enough
    hwsim tradeoff -o reports/tradeoff                 error against energy, INT8 to FP4
    hwsim reproduce --batch 1,8,64                     other GPU, order or batch size, other bits
    hwsim probe hopper.wgmma --a e4m3fn                a matrix unit's arithmetic from its answers

    Architectures, workloads and studies are YAML files, or shipped ones by name (hwsim list archs).
    """


_COMMANDS = (
    *(run, compare, explore, map_command, check, convert, schema, list_parts, show),
    *(formats, accumulators, probe, reproduce, tradeoff),
)
for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Entry point of the ``hwsim`` command."""
    cli(prog_name="hwsim")
