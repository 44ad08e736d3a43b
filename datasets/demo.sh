#!/usr/bin/env bash
# The walk from a fraud table to scores. Every command is printed as a person would type it at the top of the
# source tree with build/release on the PATH; what it makes stands in build/demo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/build/release:$PATH
mkdir -p build/demo

title() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[[ -t 1 ]] || title() { printf '\n# %s\n' "$*"; }

# run WORD...: prints a command, long ones over several lines, and runs it.
run() {
  local line='$' word
  for word in "$@"; do
    if [[ $word == --* ]] && ((${#line} > 80)); then
      printf '%s \\\n' "$line"
      line='   '
    fi
    line+=" $word"
  done
  printf '%s\n' "$line"
  "$@"
}

title 'A first look'
run coppice describe datasets/creditcard_subset.csv.gz --label Class

title 'Three parts: shuffled, each with its share of the frauds'
run coppice split datasets/creditcard_subset.csv.gz --label Class --out build/demo \
  --fractions 0.7,0.2,0.1 --seed 1729

title 'Training, with metrics of the validation part'
run coppice train --train build/demo/train.csv --valid build/demo/validation.csv --label Class \
  --param objective=binary:logistic --param num_round=100 --param max_depth=5 --param eta=0.2 \
  --param gamma=4 --param min_child_weight=6 --param subsample=0.8 --param eval_metric=auc,ap \
  --log-period 10 --model build/demo/fraud.json

title 'How good it is on rows that it has never seen'
run coppice evaluate --model build/demo/fraud.json build/demo/test.csv

title 'Scores as CSV'
run coppice predict --model build/demo/fraud.json build/demo/test.csv --keep Time,Amount,Class \
  --out build/demo/scores.csv
run head -n 6 build/demo/scores.csv

title 'What the model holds'
run coppice inspect build/demo/fraud.json
