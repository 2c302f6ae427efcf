"""Chains that a workload names, and those that its graph shows."""

import pytest

from hwsim.base.errors import InputError
from hwsim.workload import Workload
from hwsim.workload.chains import found_chains

TRACE = """\
name: trace
operators:
  - {name: scores, op: gemm, m: 6, n: 6, k: 4, repeat: 2, b_role: activation}
  - {name: softmax, op: softmax, rows: 12, length: 6}
  - {name: context, op: gemm, m: 6, n: 4, k: 6, repeat: 2, b_role: activation}
  - {name: other, op: gemm, m: 12, n: 4, k: 4}
  - {name: long, op: softmax, rows: 6, length: 12}
fuse: CHAINS
"""


def load(tmp_path, chains):
    file = tmp_path / "trace.yaml"
    file.write_text(TRACE.replace("CHAINS", chains))
    return Workload.load(file)


def names(chains):
    return [[step.name for _, step in chain] for chain in chains]


def test_named_chains(tmp_path):
    work = load(tmp_path, "[[scores, softmax, context]]")
    assert names(work.chains()) == [["scores", "softmax", "context"]]
    assert load(tmp_path, "[]").chains() == []
    assert found_chains(work.operators, work.placed_steps()) == []  # a trace does not say what reads what


@pytest.mark.parametrize(
    ("chains", "words"),
    [
        ("[[scores, softmaxx]]", r"trace.yaml:8:17: fuse\[0\]\[1\]: no operator with work .* 'softmaxx'; did"),
        ("[[scores]]", r"trace.yaml:8:8: fuse\[0\]: a chain takes two operators or more, a matrix product among them"),
        ("[[context, other]]", r"fuse\[0\]\[1\]: other has 1 x 12 rows, context has 2 x 6"),
        ("[[scores, other]]", r"fuse\[0\]\[1\]: other reads 1 x 12 x 4 elements, scores writes 72"),
        ("[[scores, long]]", r"fuse\[0\]\[1\]: long has rows of 12 elements, scores writes rows of 6"),
        ("[[scores, softmax], [softmax, context]]", r"fuse\[1\]\[0\]: softmax is in an earlier chain already"),
        ("[[]]", r"fuse\[0\]: expected at least 1 entries"),
    ],
)  # fmt: skip
def test_what_is_no_chain(tmp_path, chains, words):
    with pytest.raises(InputError, match=words):
        load(tmp_path, chains)


def test_the_graph_of_a_network_shows_its_chains():
    work = Workload.load("digits_vit")
    found = names(found_chains(work.operators, work.placed_steps()))
    assert ["layer0.attention.scores", "layer0.attention.softmax", "layer0.attention.context"] in found
    assert ["layer0.norm2", "layer0.up", "layer0.down", "layer0.output"] in found
    assert not any("patch" in chain or "mean" in chain for chain in found)  # a convolution; other rows


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ("[layer0.out, layer0.attended, layer0.norm2]", "layer0.attended is read by layer0.output too"),
        ("[layer0.up, layer0.output]", "layer0.output does not read layer0.up"),
        ("[patch, embedded]", "patch is a convolution"),
        ("[mean, head]", "mean does not work row by row, so that it cannot be fused"),
        ("[tokens, embedded]", "no operator with work to do is called 'tokens'"),
    ],
)  # fmt: skip
def test_what_a_network_cannot_fuse(tmp_path, chain, words):
    file = tmp_path / "vit.yaml"
    shipped = Workload.load("digits_vit")
    file.write_text(shipped.text() + f"fuse: [{chain}]\n")
    with pytest.raises(InputError, match=words):
        Workload.load(file)
