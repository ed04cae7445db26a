"""Train a network on two folders, export it, and fuse with it. Needs `pip install imfuse[train]`.

    python examples/api/07_own_model.py [STEPS]

`imfuse train ivif --folders ...` does the same from a recipe that was tuned; this shows the parts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from imfuse import Fuser
from imfuse.images.files import write_image
from imfuse.lab.training.export import export_run
from imfuse.lab.training.loop import train
from imfuse.lab.training.recipe import DataRecipe, DataSet, ModelRecipe, OptimiserRecipe, Recipe
from imfuse.scenes import simulate

folder = Path("own_model")
scenes = [simulate(240, 320, seed=seed, darkness=0.2 + 0.2 * seed) for seed in range(4)]
for number, scene in enumerate(scenes):
    write_image(folder / "infrared" / f"{number}.png", scene.infrared)
    write_image(folder / "visible" / f"{number}.png", scene.visible)

recipe = Recipe(
    name="mine",
    task="infrared and visible pictures of my street",
    sources=("infrared", "visible"),
    model=ModelRecipe("learned_pyramid", {"levels": 4}),
    objective={"ssim": 1.0, "max_gradient": 2.0, "max_intensity": 1.0},
    data=DataRecipe(
        root=str(folder), sets=(DataSet("my street", ("infrared", "visible"), licence="mine"),), patch=64, batch=4
    ),
    optimiser=OptimiserRecipe(steps=int(sys.argv[1]) if len(sys.argv) > 1 else 200),
)
outcome = train(recipe, folder / "run")
print(f"{outcome.steps_done} steps; a second call would go on from here")

card = export_run(folder / "run", folder / "model", licence="mine")
print(f"{card.name}: {card.parameters} parameters, margin {card.margin} pixels, data {card.data}")

fuser = Fuser.load(folder / "model")
write_image(folder / "fused.png", fuser(scenes[0].infrared, scenes[0].visible))
