"""Checks that XGBoost and treelite read the model files that Coppice writes, and that Coppice reads them back.

Usage: check_xgboost_reads.py EXCHANGE_SAMPLE, the program of that name. XGBoost must predict the same bits and give
the file back without loss; treelite adds the base score last, so its margins may differ by the rounding of a few
sums of numbers around 1.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import treelite
import xgboost as xgb


def check_xgboost(path, rows, margins):
    booster = xgb.Booster(model_file=path)
    assert booster.num_boosted_rounds() == 3, booster.num_boosted_rounds()
    assert booster.attr("best_iteration") == "2" and float(booster.attr("best_score")) == 0.75
    # A name that XGBoost refuses is changed, and gives way to the feature that has the new name already.
    assert booster.feature_names[1] == "a_b__c_1" and booster.feature_names[3] == "a_b__c", booster.feature_names
    matrix = xgb.DMatrix(rows, feature_names=booster.feature_names, feature_types=booster.feature_types,
                         enable_categorical=True)
    predicted = booster.predict(matrix, output_margin=True)
    np.testing.assert_array_equal(predicted.view(np.uint32), margins.view(np.uint32))
    return booster


def check_treelite(path, rows, margins):
    model = treelite.frontend.load_xgboost_model(path)
    predicted = treelite.gtil.predict(model, rows, pred_margin=True).ravel()
    np.testing.assert_allclose(predicted, margins, rtol=0, atol=4 * np.finfo(np.float32).eps)


def main(exchange_sample, folder):
    subprocess.run([exchange_sample, "write", folder], check=True)
    table = np.loadtxt(folder / "sample.txt", dtype=np.float64).astype(np.float32)
    rows, margins = np.ascontiguousarray(table[:, :-1]), np.ascontiguousarray(table[:, -1])
    assert len(np.unique(margins)) == 16, "each pair of leaves of the two trees must be met"
    for name in ("sample.json", "sample.ubj"):
        booster = check_xgboost(folder / name, rows, margins)
        check_treelite(folder / name, rows, margins)
        for copy in ("copy.json", "copy.ubj"):
            booster.save_model(folder / copy)
            subprocess.run([exchange_sample, "read", folder / copy], check=True)
    print(f"{len(rows)} rows: XGBoost {xgb.__version__} and treelite {treelite.__version__} agree")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(sys.argv[1], pathlib.Path(temporary))
