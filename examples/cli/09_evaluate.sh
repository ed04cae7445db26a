#!/usr/bin/env bash
# Measure two methods and a model side by side, and write the report. Needs `pip install 'imfuse[eval]'`.
#     bash examples/cli/09_evaluate.sh
set -euo pipefail

python - <<'PYTHON'
import cv2

from imfuse import Fuser
from imfuse.images.files import write_image
from imfuse.scenes import simulate

guided = Fuser.load("guided")
for number in range(4):
    scene = simulate(120, 160, seed=number, darkness=0.3)
    write_image(f"evaluation/infrared/{number}.png", scene.infrared)
    write_image(f"evaluation/visible/{number}.png", scene.visible)
    fused = guided(scene.infrared, scene.visible)
    write_image(f"evaluation/fused_guided/{number}.png", fused)
    write_image(f"evaluation/fused_blurred/{number}.png", cv2.blur(fused, (5, 5)))
PYTHON

sources="--sources evaluation/infrared evaluation/visible"
fused="--fused guided=evaluation/fused_guided blurred=evaluation/fused_blurred"
imfuse eval $sources $fused --model ivif -o evaluation/report --title "Invented streets"

# A method that comes later: what is measured is kept, and only the new one is done.
imfuse eval $sources $fused --model ivif laplacian -o evaluation/report --title "Invented streets"

# For scripts: the same as evaluation/report/summary.json on standard output.
imfuse eval $sources $fused --model ivif laplacian -o evaluation/report --title "Invented streets" --json |
  python -c 'import json, sys; print([method["name"] for method in json.load(sys.stdin)["methods"]])'
