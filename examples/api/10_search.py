"""Search a network under a budget of time, train and export it, and fuse with it. Needs `pip install imfuse[train]`.

    python examples/api/10_search.py [STEPS]

The space is small, so that it takes a minute or two; `imfuse search ivif-10ms` looks among millions of networks.
"""

from __future__ import annotations

import sys
from pathlib import Path

from imfuse import Fuser
from imfuse.images.files import write_image
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.search.chain import train_winner
from imfuse.lab.search.drawing import draw_genotype
from imfuse.lab.search.recipe import GradientRecipe, LatencyRecipe, SearchRecipe, Stage
from imfuse.lab.search.search import search
from imfuse.lab.search.space import Space
from imfuse.lab.search.target import Target
from imfuse.lab.training.recipe import DataRecipe, DataSet
from imfuse.scenes import simulate

folder, steps = Path("searched"), int(sys.argv[1]) if len(sys.argv) > 1 else 100
scenes = [simulate(240, 320, seed=seed, darkness=0.2 + 0.2 * seed) for seed in range(4)]
for number, scene in enumerate(scenes):
    write_image(folder / "infrared" / f"{number}.png", scene.infrared)
    write_image(folder / "visible" / f"{number}.png", scene.visible)

recipe = SearchRecipe(
    name="mine",
    task="infrared and visible pictures of my street",
    sources=("infrared", "visible"),
    objective={"ssim": 1.0, "max_gradient": 2.0, "max_intensity": 1.0},
    space=Space(kinds=("csc",), operators=("conv_3", "spatial_3"), cells=(1,), resolutions=(4,), widths=(4, 8)),
    gradient=GradientRecipe(warmup=1, stages=(Stage("macro", steps), Stage("micro", steps))),
    latency=LatencyRecipe(Target(height=240, width=320), budget_ms=200.0, weight=0.01),
    data=DataRecipe(root=str(folder), sets=(DataSet("my street", ("infrared", "visible"), licence="mine"),), patch=64),
    training={"optimiser": {"steps": 2 * steps}},
)
outcome = search(recipe, folder / "run")
assert outcome.winner, "somebody asked it to stop; a second call goes on from there"
print(f"{outcome.winner.genotype}: {outcome.winner.measured_ms:.1f} ms a call; see {folder / 'run' / 'search.html'}")
draw_genotype(Genotype.parse(outcome.winner.genotype), folder / "network.png")

model = train_winner(recipe, folder / "run", licence="mine").folder
assert model, "somebody asked it to stop; a second call goes on from there"
fuser = Fuser.load(model)
write_image(folder / "fused.png", fuser(scenes[0].infrared, scenes[0].visible))
