#!/usr/bin/env bash
# Fuse an infrared and a visible picture, and write a contact sheet beside the result.
#     bash examples/cli/01_fuse_a_pair.sh
set -euo pipefail

# Two pictures of one street at night. Use your own in their place.
imfuse demo -o pair --seed 53

# The order of the sources is that of the model: infrared, then visible.
imfuse fuse pair/infrared.png pair/visible.png -o pair/mine.png --sheet
