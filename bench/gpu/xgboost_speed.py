"""xgboost_speed.py TABLE ROUNDS DEPTH [IGNORED COLUMN ...]: milliseconds a tree of XGBoost's GPU trainer (label Class),
as JSON."""

import csv
import json
import sys
import time

import numpy
import xgboost


def main() -> None:
    path, rounds, depth = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path) as file:
        names = next(csv.reader(file))
    values = numpy.loadtxt(path, delimiter=",", skiprows=1, dtype=numpy.float32)
    label = names.index("Class")
    ignored = [label, *map(names.index, sys.argv[4:])]
    table = xgboost.QuantileDMatrix(numpy.delete(values, ignored, 1), values[:, label])
    parameters = {"device": "cuda", "tree_method": "hist", "objective": "binary:logistic", "max_depth": depth}
    xgboost.train(parameters, table, 3)  # the first trees also start the device
    begin = time.perf_counter()
    xgboost.train(parameters, table, rounds)
    seconds = time.perf_counter() - begin
    print(json.dumps({"version": xgboost.__version__, "milliseconds_per_tree": 1000 * seconds / rounds}))


if __name__ == "__main__":
    main()
