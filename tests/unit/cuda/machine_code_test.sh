#!/bin/sh
# machine_code_test.sh PTXAS FOLDER [NVDISASM]: looks at the portable code (PTX) of every kernel of the CUDA backend,
# which the build leaves in FOLDER, and at the machine code that ptxas makes of it.
# - No fused multiply-add of floats: a decision would then depend on how a compiler contracts. In PTX there is none, and
#   every sum, difference and product says how it is rounded, which forbids ptxas to contract it.
# - In machine code divisions and roots are made of fused multiply-adds, correctly rounded as a whole. So the code is
#   also assembled with products in their place: then none may be left. With the rounding taken out as well there have
#   to be some somewhere, or this would find nothing.
# - No spills: a hot kernel keeps its values in registers.
# CUB's kernels (sorting) are not ours. Prints a line for each kernel: registers, stack, spills; and for each file how
# many fused multiply-adds it has. Without NVDISASM (PyPI: nvidia-cuda-nvdisasm) machine code is not looked at.
set -eu
ptxas=$1 folder=$2 nvdisasm=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
found=0
contracted=0

# fused CODE: the number of fused multiply-adds in machine code.
fused() {
  "$nvdisasm" "$1" >"$work/code.sass"
  grep -qE '\b(EXIT|RET)\b' "$work/code.sass" || { echo "no machine code of $name" >&2; exit 1; }
  grep -cE '\b[FD]FMA' "$work/code.sass" || :
}
# fused_of ARCHITECTURE < PTX: the same for portable code.
fused_of() {
  cat >"$work/other.ptx"
  "$ptxas" --gpu-name "$1" --output-file "$work/other.cubin" "$work/other.ptx"
  fused "$work/other.cubin"
}
# Products in place of divisions and roots.
without_divisions() {
  sed -E 's/\bdiv\.rn\.f/mul.rn.f/
          s/\b(sqrt|rcp)\.rn\.(f32|f64)([[:space:]]+)([^,]+), ([^;]+);/mul.rn.\2\3\4, \5, \5;/' "$1"
}

for ptx in "$folder"/*.compute_*.ptx; do
  name=$(basename "$ptx" .ptx)
  case $name in sorting.* | _cmake*) continue ;; esac
  found=1
  architecture=sm_${name##*.compute_}
  if grep -nE '^[[:space:]]*(@!?%p[0-9]+[[:space:]]+)?(fma\.|(add|sub|mul|mad)(\.ftz)?(\.sat)?\.f)' "$ptx"; then
    echo "$name: a fused multiply-add, or one that may become one"
    failed=1
  fi
  "$ptxas" -v --gpu-name "$architecture" --output-file "$work/code.cubin" "$ptx" 2>&1 | awk -v name="$name" '
    /Compiling entry function/ { kernel = $0; sub(/.*function ./, "", kernel); sub(/. for .*/, "", kernel) }
    /bytes stack frame/ { stack = $1; stores = $5; loads = $9 }
    /Used [0-9]+ registers/ {
      registers = $0; sub(/.*Used /, "", registers); sub(/ registers.*/, "", registers)
      printf "%s %s: %s registers, %s bytes of stack, %s spilled\n", name, kernel, registers, stack, stores + loads
      if (stores + loads > 0) bad = 1
    }
    /error/ { print; bad = 1 }
    END { exit bad }' || { echo "$name: spills"; failed=1; }
  [ -n "$nvdisasm" ] || continue
  all=$(fused "$work/code.cubin")
  left=$(without_divisions "$ptx" | fused_of "$architecture")
  echo "$name: $all fused multiply-adds, $left without divisions and roots"
  [ "$left" = 0 ] || failed=1
  [ "$contracted" = 0 ] || continue
  contracted=$(without_divisions "$ptx" | sed -E 's/\b(add|sub|mul)\.rn\.f/\1.f/' | fused_of "$architecture")
done
[ $found = 1 ] || { echo "no PTX in $folder"; exit 1; }
if [ -z "$nvdisasm" ]; then
  echo "no nvdisasm: machine code was not looked at"
elif [ "$contracted" = 0 ]; then
  echo "contraction was not found where it was asked for"
  failed=1
fi
exit $failed
