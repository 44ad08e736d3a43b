#!/bin/sh
# parity.sh COPPICE TABLE WORK [COPPICE OPTION ...]: trains TABLE (label Class, or that of the Fraud Detection Handbook)
# on the CPU and on the first GPU, under several settings, and scores it on both: every byte has to be equal. Models hold
# the curves of the metrics that were watched. Exit code 77: there is no GPU.
set -eu
coppice=$1 table=$2 work=$3
shift 3
mkdir -p "$work"
# What stands for cards and days; of a card table amounts and half hours, for it tells no cards.
label=Class ignored='' cards=''
case ,$(gzip -cdf "$table" | head -n 1), in
  *,TX_FRAUD,*)
    label=TX_FRAUD ignored='--ignore TRANSACTION_ID,TX_DATETIME,TERMINAL_ID,TX_TIME_SECONDS,TX_FRAUD_SCENARIO'
    cards='--group-column=CUSTOMER_ID --time-column=TX_TIME_DAYS'
    ;;
  ,Time,*,Amount,*) cards='--group-column=Amount --time-column=Time --day-length=1800' ;;
esac
of_cards=${cards:+num_round=20 max_depth=4 eval_metric=card_precision@k=1,card_precision@k=5,ece --valid-fraction=0.2 $cards}
train() {
  # shellcheck disable=SC2086  # several words
  "$coppice" train --train "$table" --label $label $ignored --log-period 0 --no-train-metrics "$@"
}
if ! train --device cuda --param num_round=1 --model "$work/probe.json" 2>"$work/probe.txt"; then
  cat "$work/probe.txt"
  grep -q 'cuda: no device' "$work/probe.txt" && exit 77
  exit 1
fi
failed=0
same() {
  if cmp -s "$1" "$2"; then echo "equal: $3"; else echo "DIFFERENT: $3"; failed=1; fi
}
while read -r settings; do
  [ "$settings" ] || continue
  parameters=$(for setting in $settings; do
    case $setting in --*) printf '%s ' "$setting" ;; *) printf -- '--param %s ' "$setting" ;; esac
  done)
  for device in cpu cuda; do
    # shellcheck disable=SC2086  # several words
    train --device $device $parameters "$@" --model "$work/$device.json" >/dev/null
    "$coppice" predict --model "$work/$device.json" "$table" --device $device --out "$work/$device.csv"
  done
  same "$work/cpu.json" "$work/cuda.json" "model, $settings"
  same "$work/cpu.csv" "$work/cuda.csv" "scores, $settings"
done <<TEXT
num_round=50 max_depth=5
num_round=50 max_depth=8 sampling_noise=0
num_round=30 grow_policy=lossguide max_leaves=31 max_depth=0 subsample=0.7
num_round=30 max_depth=6 colsample_bytree=0.6 colsample_bylevel=0.7 colsample_bynode=0.8 max_bin=64
num_round=30 max_depth=6 objective=reg:squarederror eval_metric=rmse,r2,ece,auc --valid-fraction=0.2
num_round=30 max_depth=6 scale_pos_weight=50 reg_alpha=0.5 gamma=0.1 min_child_weight=0.01
num_round=60 max_depth=4 early_stopping_rounds=5 cost_fp=2 cost_fn=100 eval_metric=ece,auc,logloss,error@0.3,min_cost,recall@fpr=0.01,precision@k=50,ap --valid-fraction=0.2
$of_cards
TEXT
exit $failed
