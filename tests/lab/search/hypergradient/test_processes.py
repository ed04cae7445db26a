"""Two processes that share the batches find what one finds on the whole of them."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest
import torch

from imfuse.lab.search.hypergradient import HYPERGRADIENTS

SECONDS = 240
OPTIONS = {
    "first_order": {},
    "gauss_newton": {},
    "neumann": {"rate": 0.1, "terms": 4},
    "conjugate_gradient": {"iterations": 4},
    "unrolled": {"rate": 0.1, "steps": 3},
}


def in_processes(number: int, path: str, options: dict[str, dict[str, float]]) -> None:
    """Run in as many processes, each on its share of the batches; the first saves what it finds."""
    from functools import partial

    import torch
    from lightning_fabric import Fabric

    from imfuse.lab.search.hypergradient import Bilevel, hypergradient, module_loss

    fabric = Fabric(accelerator="cpu", devices=number, strategy="ddp" if number > 1 else "auto")
    fabric.launch()
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.Tanh(), torch.nn.Conv2d(3, 1, 1)).double()
    batches = torch.rand(2, 4, 2, 8, 8, dtype=torch.double)[:, fabric.global_rank :: number]

    def loss(sources):
        target = sources.amax(1, keepdim=True)[:, :, 1:-1, 1:-1]
        return lambda call: (call(sources) - target).square().mean()

    names = (["0.weight", "0.bias"], ["2.weight", "2.bias"])
    inner, outer = (module_loss(network, *names, loss(sources)) for sources in batches)
    weights, architecture = (tuple(network.get_parameter(name) for name in part) for part in names)
    problem = Bilevel(inner, outer, weights, architecture, partial(fabric.all_reduce, reduce_op="mean"))
    alone = Bilevel(inner, outer, weights, architecture)
    found = {
        name: (hypergradient(name, problem, **more), hypergradient(name, alone, **more))
        for name, more in options.items()
    }
    if fabric.is_global_zero:
        torch.save({name: tuple(tuple(one) for one in both) for name, both in found.items()}, path)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Of one process and of two, by method: the mean over the processes, and that of the first process alone."""
    folder = tmp_path_factory.mktemp("processes")
    script = folder / "two.py"  # a file, because Fabric starts the other process by the same command
    call = f"in_processes(2, {str(folder / 'two')!r}, {OPTIONS})"
    script.write_text(f"{inspect.getsource(in_processes)}\n\n{call}\n")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([sys.executable, str(script)], env=environment, stderr=subprocess.PIPE) as two:
        in_processes(1, str(folder / "one"), OPTIONS)
        _, errors = two.communicate(timeout=SECONDS)
    assert two.returncode == 0, errors.decode()
    return [torch.load(folder / name) for name in ("one", "two")]


@pytest.mark.parametrize("name", HYPERGRADIENTS)
def test_two_processes_find_what_one_finds_on_the_whole_batch(found, name):
    (one, _), (two, alone) = (results[name] for results in found)
    torch.testing.assert_close(two, one, rtol=1e-9, atol=1e-14)
    assert not torch.allclose(alone[0][0], one[0][0], rtol=1e-3)  # its share alone is something else
