"""Checks contributions against XGBoost's pred_contribs.

Usage: check_contributions.py CONTRIBUTION_VALUES COPPICE DATASETS FIXTURES: the two programs and the folders of the
demo data and of the models that XGBoost trained. Explained are those models and one that Coppice trains on the demo
data, each with ours and with XGBoost's code.

XGBoost adds up its contributions in float32: a sum over the trees may be off by several roundings of the largest
margin, 2^-24 of it each. Seen are two.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
import xgboost as xgb


def compare(program, path, table):
    booster = xgb.Booster({"nthread": 1}, model_file=path)
    matrix = xgb.DMatrix(table, feature_names=booster.feature_names, feature_types=booster.feature_types,
                         enable_categorical=True)
    theirs = booster.predict(matrix, pred_contribs=True)
    margins = booster.predict(matrix, output_margin=True)
    text = "\n".join(" ".join(repr(float(x)) for x in row) for row in table)
    output = subprocess.run([program, path], input=text, capture_output=True, check=True, text=True).stdout
    ours = np.array([line.split() for line in output.splitlines()], dtype=np.float64)
    largest = max(np.abs(ours).max(), np.abs(margins).max())
    assert np.abs(ours[:, :-1]).max() > 0.1 * largest, "a model that says nothing"
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=8 * 2**-24 * largest, err_msg=str(path))
    # XGBoost's margin is a float32 sum over the trees: each rounds by 2^-24 of the sum so far, at most.
    n_trees = len(booster.get_dump())
    np.testing.assert_allclose(ours.sum(axis=1), margins, rtol=0, atol=(n_trees + 1) * 2**-24 * largest)
    print(f"{path.name}: {len(table)} rows agree to {np.abs(ours - theirs).max() / largest:.1e} of the largest margin")


def main(program, coppice, datasets, fixtures, folder):
    for rows in sorted(fixtures.glob("*.csv")):
        frame = pd.read_csv(rows).drop(columns=["margin", "prediction"])
        compare(program, rows.with_suffix(".json"), frame.to_numpy(dtype=np.float32))
    data = datasets / "creditcard_subset.csv.gz"
    subprocess.run([coppice, "train", "--train", data, "--label", "Class", "--model", folder / "fraud.json",
                    "--param", "num_round=60", "--param", "max_depth=7", "--log-period", "0"], check=True)
    table = pd.read_csv(data).drop(columns="Class").to_numpy(dtype=np.float32)[::100]
    table[np.random.default_rng(1).random(table.shape) < 0.05] = np.nan
    compare(program, folder / "fraud.json", table)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4]), pathlib.Path(temporary))
