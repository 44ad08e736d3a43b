#!/bin/sh
# check_package.sh static|shared|subdirectory SOURCE BUILD WORK: builds the programs in consumer/ against Coppice,
# runs them, and looks at what the programs were made of. BUILD is a finished static build of SOURCE;
# everything that this script makes is below WORK.
set -eu
way=$1 source=$2 build=$3 work=$4
consumer=$source/tests/package/consumer

fail() {
  echo "check_package: $*" >&2
  exit 1
}

mkdir -p "$work"
case $way in
  static)
    rm -rf "$work/prefix"
    cmake --install "$build" --prefix "$work/prefix" >/dev/null
    ;;
  shared)
    rm -rf "$work/prefix"
    cmake -S "$source" -B "$work/library" -DBUILD_SHARED_LIBS=ON -DCOPPICE_BUILD_CLI=OFF \
      -DCOPPICE_BUILD_TESTS=OFF -DCOPPICE_BUILD_BENCH=OFF -DCOPPICE_CUDA=OFF
    cmake --build "$work/library"
    cmake --install "$work/library" --prefix "$work/prefix" >/dev/null
    ;;
  subdirectory) ;;
  *) fail "unknown way $way" ;;
esac
if [ "$way" = subdirectory ]; then
  # With the options of BUILD, so that ccache has its objects.
  cmake -S "$consumer" -B "$work/consumer" -DCOPPICE_SOURCE="$source" -DCOPPICE_CUDA=OFF -DCOPPICE_WARNINGS_AS_ERRORS=ON
else
  cmake -S "$consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$work/prefix"
fi
cmake --build "$work/consumer"

# A table that a few splits learn: label 1 where x > 0.6 and y < 0.5.
cd "$work"
awk 'BEGIN { print "x,y,label"; for (i = 0; i < 600; ++i) {
  x = (i * 37 % 100) / 100; y = (i * 61 % 89) / 89; print x "," y "," (x > 0.6 && y < 0.5 ? 1 : 0) } }' >table.csv
"$work/consumer/quick_start" table.csv table.csv model.json >trained.txt
grep -q 'validation-auc 1.000' trained.txt || fail "quick_start did not learn the table"
"$work/consumer/score_only" model.json table.csv >scored.txt
[ "$(tail -n 1 trained.txt)" = "$(cat scored.txt)" ] || fail "the two programs score a row differently"

# quick_start shows that these looks find a trainer where there is one.
if [ "$way" = shared ]; then
  look() { ldd "$1" | grep -E 'coppice_(kernels|tune)|libgomp|libomp|libcuda'; }
else
  look() {
    nm -C "$1" | grep -E ' [TtWw] coppice::(train|prepare|kernels::make_cpu_backend)\('
    ldd "$1" | grep -E 'libgomp|libomp|libcuda'
  }
fi
[ "$(look "$work/consumer/quick_start")" ] || fail "no trainer seen in quick_start"
[ -z "$(look "$work/consumer/score_only")" ] || fail "score_only links a trainer: $(look "$work/consumer/score_only")"
# The shared and the subdirectory way are for the CPU only: nothing of CUDA's runtime is in them.
if [ "$way" != static ]; then
  trainers=$work/consumer/quick_start
  [ "$way" = subdirectory ] || trainers=$(find "$work/prefix" -name 'libcoppice_kernels.so')
  [ "$trainers" ] || fail "no trainer"
  for trainer in $trainers; do
    ! grep -q cudaMalloc "$trainer" || fail "$trainer has CUDA's runtime"
    ! ldd "$trainer" | grep libcuda || fail "$trainer needs CUDA"
  done
fi
echo "package $way: ok"
