"""Fuse two videos frame by frame. `imfuse video` does the same, and decodes and encodes beside the fusing.

python examples/api/03_video.py
"""

from __future__ import annotations

from pathlib import Path

from imfuse import Fuser
from imfuse.images.video import VideoReader, VideoWriter
from imfuse.scenes import simulate

folder, rate = Path("video"), 10
folder.mkdir(exist_ok=True)

# A camera that pans over a street: windows of 320 x 240 that move over a wider scene.
scene = simulate(240, 400, seed=4, darkness=0.8)
for name, picture in (("ir", scene.infrared), ("vis", scene.visible)):
    with VideoWriter(folder / f"{name}.mp4", rate) as writer:
        for left in range(0, 80, 4):
            writer.write(picture[:, left : left + 320])

fuser = Fuser.load("ivif")
with (
    VideoReader(folder / "ir.mp4") as infrared,
    VideoReader(folder / "vis.mp4") as visible,
    VideoWriter(folder / "fused.mp4", visible.info.rate) as fused,
):
    for warm, lit in zip(infrared, visible, strict=True):
        fused.write(fuser(warm.pixels, lit.pixels).astype("uint8", copy=False))

print(f"{folder / 'fused.mp4'}: {visible.decoded} frames")
