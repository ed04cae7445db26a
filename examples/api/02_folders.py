"""Fuse two folders, file by file of equal name; what fails is reported, and a second run skips what is done.

python examples/api/02_folders.py
"""

from __future__ import annotations

from pathlib import Path

from imfuse import Fuser
from imfuse.batch.job import FuseOptions, Job, Target
from imfuse.batch.local import run_folder
from imfuse.images.files import write_image
from imfuse.images.pairs import pair_folders
from imfuse.scenes import simulate

folder = Path("folders")
scenes = [simulate(240, 320, seed=number) for number in range(3)]
for number, scene in enumerate(scenes):
    write_image(folder / "infrared" / f"{number}.png", scene.infrared)
    write_image(folder / "visible" / f"{number}.jpg", scene.visible)
write_image(folder / "visible" / "lonely.jpg", scenes[0].visible)

pairing = pair_folders([folder / "infrared", folder / "visible"])
for path in pairing.unmatched:
    print(f"{path}: no partner")

fused = folder / "fused"
jobs = [Job(stack, Target(fused, stack.name)) for stack in pairing.stacks]
for outcome in run_folder(Fuser.load("ivif", threads=1), jobs, fused, FuseOptions(), workers=2):
    print(outcome.job.stack.name, outcome.status, outcome.output or outcome.reason)
