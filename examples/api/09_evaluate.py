"""Measure two methods and a model side by side, and write the report. Needs `pip install imfuse[eval]`.

python examples/api/09_evaluate.py
"""

from __future__ import annotations

from pathlib import Path

import cv2

from imfuse import Fuser
from imfuse.images.files import write_image
from imfuse.lab.bench.evaluate import evaluate
from imfuse.lab.bench.report import write_report
from imfuse.scenes import simulate

folder = Path("evaluation")
guided = Fuser.load("guided")
for number in range(4):
    scene = simulate(120, 160, seed=number, darkness=0.3)
    write_image(folder / "infrared" / f"{number}.png", scene.infrared)
    write_image(folder / "visible" / f"{number}.png", scene.visible)
    # Two methods from elsewhere: a folder of fused images each, named like their sources.
    fused = guided(scene.infrared, scene.visible)
    write_image(folder / "fused_guided" / f"{number}.png", fused)
    write_image(folder / "fused_blurred" / f"{number}.png", cv2.blur(fused, (5, 5)))

evaluation = evaluate(
    [folder / "infrared", folder / "visible"],
    {"guided": folder / "fused_guided", "blurred": folder / "fused_blurred"},
    folder / "report",
    models={"ivif": "ivif"},
    title="Invented streets",
)
print(evaluation.values.shape, "methods x metrics x images;", len(evaluation.problems), "problems")

report = write_report(folder / "report", evaluation)
for index in report.summary.order:
    print(f"{evaluation.methods[index].name:10} mean rank {report.summary.mean_ranks[index]:.1f}")
for remark in report.remarks:
    print("-", remark)
print(folder / "report" / "report.html")
