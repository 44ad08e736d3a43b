#!/bin/sh
# machine_code_test.sh PTXAS FOLDER: looks at the portable code (PTX) of every kernel of the CUDA backend, which
# the build leaves in FOLDER, and at what ptxas makes of it.
# - No fused multiply-add of floats: a decision would then depend on how the compiler contracts. (ptxas does not
#   contract what PTX spells out as a rounded product and a rounded sum.)
# - No spills: a hot kernel keeps its values in registers.
# CUB's kernels (sorting) are not ours. Prints a line for each kernel: registers, stack, spills.
set -eu
ptxas=$1 folder=$2
failed=0
found=0
for ptx in "$folder"/*.compute_*.ptx; do
  name=$(basename "$ptx" .ptx)
  case $name in sorting.* | _cmake*) continue ;; esac
  found=1
  architecture=sm_${name##*.compute_}
  if grep -nE '^[[:space:]]*fma\.' "$ptx"; then
    echo "$name: fused multiply-add"
    failed=1
  fi
  "$ptxas" -v --gpu-name "$architecture" --output-file /dev/null "$ptx" 2>&1 | awk -v name="$name" '
    /Compiling entry function/ { kernel = $0; sub(/.*function ./, "", kernel); sub(/. for .*/, "", kernel) }
    /bytes stack frame/ { stack = $1; stores = $5; loads = $9 }
    /Used [0-9]+ registers/ {
      registers = $0; sub(/.*Used /, "", registers); sub(/ registers.*/, "", registers)
      printf "%s %s: %s registers, %s bytes of stack, %s spilled\n", name, kernel, registers, stack, stores + loads
      if (stores + loads > 0) bad = 1
    }
    /error/ { print; bad = 1 }
    END { exit bad }' || { echo "$name: spills"; failed=1; }
done
[ $found = 1 ] || { echo "no PTX in $folder"; exit 1; }
exit $failed
