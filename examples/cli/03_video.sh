#!/usr/bin/env bash
# Fuse two videos into one.
#     bash examples/cli/03_video.sh
set -euo pipefail

# A camera that pans over a street: windows of 320 x 240 that move over a wider scene.
python - <<'PYTHON'
from pathlib import Path

from imfuse.images.video import VideoWriter
from imfuse.scenes import simulate

Path("video").mkdir(exist_ok=True)
scene = simulate(240, 400, seed=4, darkness=0.8)
for name, picture in (("ir", scene.infrared), ("vis", scene.visible)):
    with VideoWriter(Path(f"video/{name}.mp4"), 10) as writer:
        for left in range(0, 80, 4):
            writer.write(picture[:, left : left + 320])
PYTHON

imfuse video video/ir.mp4 video/vis.mp4 -o video/fused.mp4

# Lossless, with one thread for the network.
imfuse video video/ir.mp4 video/vis.mp4 -o video/fused.mkv --codec FFV1 --threads 1
