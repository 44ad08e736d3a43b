#!/usr/bin/env bash
# Everything that needs a GPU, in order: build, digest, parity, sanitizers, speed, profile. Called by `./dev gpu`, on a
# machine that may be bare: CMake, ninja, a C++ compiler and nvcc. Results go to build/gpu/results.
# Options: --quick leaves out the large table, the sanitizers and the profile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
quick=0
[[ ${1:-} == --quick ]] && quick=1
PATH=$PATH:/usr/local/cuda/bin
command -v nvcc >/dev/null || { echo "gpu: no nvcc here" >&2; exit 1; }
build=build/gpu results=build/gpu/results
mkdir -p "$results"

# Libraries that `./dev gpu-pack` has put beside the sources.
options=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DCOPPICE_CUDA=ON -DCOPPICE_BUILD_TESTS=OFF -DCOPPICE_BUILD_BENCH=OFF
         -DCOPPICE_BUILD_GPU=ON)
if [[ -d libraries ]]; then
  folder=$(dirname "$(find "$PWD/libraries/usr/lib" -name libfmt.so | head -n 1)")
  options+=("-DCMAKE_PREFIX_PATH=$PWD/libraries/usr" "-Dfmt_DIR=$folder/cmake/fmt"
            "-DZLIB_INCLUDE_DIR=$PWD/libraries/usr/include" "-DZLIB_LIBRARY=$folder/libz.a"
            "-DFAST_FLOAT_INCLUDE_DIR=$PWD/libraries/usr/include"
            "-DBoost_DIR=$(echo "$folder"/cmake/Boost-*)"
            -DOPENSSL_USE_STATIC_LIBS=ON "-DOPENSSL_INCLUDE_DIR=$PWD/libraries/usr/include"
            "-DOPENSSL_SSL_LIBRARY=$folder/libssl.a" "-DOPENSSL_CRYPTO_LIBRARY=$folder/libcrypto.a")
fi

step() { printf '\n== %s\n' "$*"; }
step "Build"
cmake -S . -B "$build" "${options[@]}"
cmake --build "$build"
coppice=$build/coppice

step "The card"
command -v nvidia-smi >/dev/null || { echo "gpu: no nvidia-smi here, so no driver"; "$build/coppice_gpu_digest"; exit; }
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv | tee "$results/card.csv"

step "Digest of exp, log and gain over 2^24 inputs"
"$build/coppice_gpu_digest" | tee "$results/digest.txt"

step "A fault of a kernel"
"$build/coppice_gpu_fault" | tee "$results/fault.txt"

step "Parity on real and generated tables"
tables=(datasets/creditcard_subset.csv.gz)
"$build/coppice_generate_fraud" --rows 284807 --out "$build/fraud.csv"
tables+=("$build/fraud.csv")
if ((!quick)); then
  "$build/coppice_generate_fraud" --rows 10000000 --balanced --digits 7 --out "$build/large.csv"
  tables+=("$build/large.csv")
fi
for table in "${tables[@]}" "${GPU_TABLES[@]:-}"; do
  [[ $table ]] && bench/gpu/parity.sh "$coppice" "$table" "$build/parity" | sed "s|^|$table: |"
done | tee "$results/parity.txt"

if ((!quick)) && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck synccheck; do
    step "compute-sanitizer $tool"
    compute-sanitizer --tool "$tool" --error-exitcode 9 "$coppice" train --train datasets/creditcard_subset.csv.gz \
      --label Class --device cuda --model "$build/sanitized.json" --param num_round=3 --param max_depth=4 \
      --group-column Amount --time-column Time --day-length 1800 \
      --param eval_metric=logloss,error,auc,ap,recall@fpr=0.01,ece,card_precision@k=100 |
      tail -n 3 | tee "$results/$tool.txt"
  done
fi

step "Speed: milliseconds a tree, and by phase"
speed() {
  local name=$1 table=$2
  shift 2
  for device in cpu cuda; do
    "$coppice" train --train "$table" --label Class --device $device --model "$build/speed.json" --log-period 0 \
      --no-train-metrics --json "$@" >"$results/speed-$name-$device.json"
    awk -F '[ ":,]+' -v text="$name, $device: ms a tree" '/"rounds":/ { rounds = $3 }
      /"(train|gradient|histogram|partition|route)": [0-9]/ { text = text sprintf(", %s %.4f", $2, 1000 * $3 / rounds) }
      END { print text }' "$results/speed-$name-$device.json"
  done | tee "$results/speed-$name.txt"
}
speed fraud "$build/fraud.csv" --param num_round=200 --param max_depth=5
# 28 features: V1 .. V28.
((quick)) || speed large "$build/large.csv" --ignore Time,Amount --param num_round=50 --param max_depth=8 --param sampling_noise=0

# What has to be known to let `auto` take a GPU (kernels::make_backend): from which size on a whole training, its start
# included, is faster there than on this machine's processor.
step "The rule of auto: seconds of whole trainings"
seconds() {
  "$coppice" train --train "$2" --label Class --device "$1" --model "$build/speed.json" --log-period 0 --no-train-metrics \
    --json --param num_round=100 | awk -F '[:,]' '/"(bin|train)":/ { sum += $2 } END { printf "%.3f", sum }'
}
sizes=(3000 30000 300000)
((quick)) || sizes+=(3000000)
for rows in "${sizes[@]}"; do
  "$build/coppice_generate_fraud" --rows "$rows" --out "$build/auto.csv"
  echo "$rows rows x 30: cpu $(seconds cpu "$build/auto.csv") s, cuda $(seconds cuda "$build/auto.csv") s"
done | tee "$results/auto.txt"
echo "auto may take a GPU from the least size on where cuda is faster, on $(nproc) processors and this card"

if python3 -c 'import xgboost' 2>/dev/null; then
  step "XGBoost's GPU trainer on the same card"
  python3 bench/gpu/xgboost_speed.py "$build/fraud.csv" 200 5 | tee "$results/xgboost-fraud.json"
  ((quick)) || python3 bench/gpu/xgboost_speed.py "$build/large.csv" 50 8 Time Amount | tee "$results/xgboost-large.json"
fi

if ((!quick)) && command -v ncu >/dev/null; then
  step "Profile"
  profile() {
    local name=$1 table=$2
    shift 2
    ncu --set full --import-source yes --launch-skip 30 --launch-count 9 --export "$results/profile-$name" \
      --force-overwrite "$coppice" train --train "$table" --label Class --device cuda --model "$build/profiled.json" \
      --no-train-metrics --param num_round=20 "$@" | tail -n 3
  }
  profile fraud "$build/fraud.csv" --param max_depth=5
  profile large "$build/large.csv" --ignore Time,Amount --param max_depth=8 --param sampling_noise=0
fi
step "Done: $results"
