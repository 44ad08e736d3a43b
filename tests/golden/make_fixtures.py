"""Makes the files in fixtures/: small models that XGBoost trained, rows, and what XGBoost predicts for them.

Needs the packages in requirements.txt. For each model there are NAME.json and NAME.ubj, the same model in both
formats, and NAME.csv: one column for each feature (numbers, category codes, empty when missing), then `margin` and
`prediction`. Numbers have nine digits, enough for every float32 to come back exactly.
"""

import json
import pathlib

import numpy as np
import pandas as pd
import xgboost as xgb

FOLDER = pathlib.Path(__file__).parent / "fixtures"
N_TRAINING_ROWS = 400
N_ROWS = 60


def numeric_table(rng, n_features, missing_share):
    table = rng.normal(size=(N_TRAINING_ROWS, n_features)).astype(np.float32)
    table[rng.random(table.shape) < missing_share] = np.nan
    return table


def target(rng, table):
    """A score that depends on every column, also on whether it is missing."""
    filled = np.where(np.isnan(table), 0.7, table)
    score = filled @ np.linspace(1, -1, table.shape[1]) + filled[:, 0] * filled[:, -1]
    return score + rng.normal(scale=0.3, size=len(table))


def save(name, booster, rows):
    """rows: a DMatrix-able table that predictions are made for; codes stand in the file where it has categories."""
    booster.save_model(FOLDER / f"{name}.json")
    booster.save_model(FOLDER / f"{name}.ubj")
    names, types = booster.feature_names, booster.feature_types
    if isinstance(rows, pd.DataFrame):
        matrix = xgb.DMatrix(rows, enable_categorical=True)
        columns = [column.cat.codes if column.dtype == "category" else column for _, column in rows.items()]
        table = np.column_stack([np.asarray(column, dtype=np.float32) for column in columns])
    else:
        matrix = xgb.DMatrix(rows, feature_names=names, feature_types=types, enable_categorical=True)
        table = rows
    margins = booster.predict(matrix, output_margin=True)
    predictions = booster.predict(matrix)
    header = list(names or [f"f{i}" for i in range(table.shape[1])]) + ["margin", "prediction"]
    frame = pd.DataFrame(np.column_stack([table, margins, predictions]), columns=header)
    frame.to_csv(FOLDER / f"{name}.csv", index=False, float_format="%.9g", lineterminator="\n")


def logistic_missing():
    rng = np.random.default_rng(1)
    table = numeric_table(rng, 5, 0.15)
    labels = target(rng, table) > 1
    matrix = xgb.DMatrix(table, labels, feature_names=[f"V{i}" for i in range(5)])
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 6, "base_score": 0.2}, matrix, 4)
    save("logistic_missing", booster, table[:N_ROWS])


def squared_error():
    """No names, an automatic base score."""
    rng = np.random.default_rng(2)
    table = numeric_table(rng, 4, 0)
    matrix = xgb.DMatrix(table, target(rng, table) * 100)
    booster = xgb.train({"objective": "reg:squarederror", "max_depth": 3}, matrix, 6)
    save("squared_error", booster, table[:N_ROWS])


def mixed_depths():
    """One tree of each depth from 1 to 6."""
    rng = np.random.default_rng(3)
    table = numeric_table(rng, 4, 0.1)
    matrix = xgb.DMatrix(table, target(rng, table) > 0)
    booster = None
    for depth in range(1, 7):
        parameters = {"objective": "binary:logistic", "max_depth": depth, "min_child_weight": 4}
        booster = xgb.train(parameters, matrix, 1, xgb_model=booster)
    save("mixed_depths", booster, table[:N_ROWS])


def lossguide():
    rng = np.random.default_rng(4)
    table = numeric_table(rng, 4, 0.1)
    matrix = xgb.DMatrix(table, target(rng, table) > 0)
    parameters = {"objective": "binary:logistic", "grow_policy": "lossguide", "max_depth": 0, "max_leaves": 11}
    save("lossguide", xgb.train(parameters, matrix, 4), table[:N_ROWS])


def pruned():
    """The exact method grows a tree and prunes it: its file holds deleted nodes."""
    rng = np.random.default_rng(5)
    table = numeric_table(rng, 4, 0.1)
    matrix = xgb.DMatrix(table, target(rng, table) > 0)
    parameters = {"objective": "binary:logistic", "tree_method": "exact", "gamma": 3, "max_depth": 5}
    booster = xgb.train(parameters, matrix, 3)
    save("pruned", booster, table[:N_ROWS])
    deleted = [tree["tree_param"]["num_deleted"] for tree in trees_of("pruned")]
    assert any(count != "0" for count in deleted), deleted


def forest():
    """Several trees in each round."""
    rng = np.random.default_rng(6)
    table = numeric_table(rng, 4, 0)
    matrix = xgb.DMatrix(table, target(rng, table))
    parameters = {"objective": "reg:squarederror", "max_depth": 3, "num_parallel_tree": 3, "subsample": 0.5}
    save("forest", xgb.train(parameters, matrix, 2), table[:N_ROWS])


def categorical_codes():
    """Categories without names: three of them are split one against the rest, twelve as sets."""
    rng = np.random.default_rng(7)
    few = rng.integers(0, 3, N_TRAINING_ROWS)
    many = rng.integers(0, 12, N_TRAINING_ROWS)
    number = rng.normal(size=N_TRAINING_ROWS)
    score = number + np.array([0, 2, 1])[few] + rng.normal(size=12)[many] * 2
    table = np.column_stack([few, number, many]).astype(np.float32)
    table[rng.random(table.shape) < 0.1] = np.nan
    matrix = xgb.DMatrix(table, score > 1.5, feature_names=["few", "number", "many"], feature_types=["c", "float", "c"],
                         enable_categorical=True)
    parameters = {"objective": "binary:logistic", "max_depth": 4, "max_cat_to_onehot": 4}
    save("categorical_codes", xgb.train(parameters, matrix, 4), table[:N_ROWS])
    sizes = [size for tree in trees_of("categorical_codes") for size in tree["categories_sizes"]]
    assert min(sizes) == 1 and max(sizes) > 1, sizes


def categorical_names():
    """Since XGBoost 3.1 a model keeps the categories of a data frame: texts and integers."""
    rng = np.random.default_rng(8)
    countries = np.array(["de", "fr", "it", "nl", "pl", "uk"])
    rows = pd.DataFrame({
        "country": pd.Categorical(rng.choice(countries, N_TRAINING_ROWS)),
        "amount": rng.normal(size=N_TRAINING_ROWS).astype(np.float32),
        "shop": pd.Categorical(rng.choice([7, 11, 4400, 5812, 6011], N_TRAINING_ROWS)),
    })
    score = rows["amount"] + rows["country"].isin(["fr", "pl"]) * 2 + (rows["shop"] == 4400)
    matrix = xgb.DMatrix(rows, score > 1, enable_categorical=True)
    parameters = {"objective": "binary:logistic", "max_depth": 4, "max_cat_to_onehot": 1}
    save("categorical_names", xgb.train(parameters, matrix, 3), rows[:N_ROWS])


def trees_of(name):
    model = json.loads((FOLDER / f"{name}.json").read_text())
    return model["learner"]["gradient_booster"]["model"]["trees"]


def main():
    FOLDER.mkdir(exist_ok=True)
    for make in (logistic_missing, squared_error, mixed_depths, lossguide, pruned, forest, categorical_codes,
                 categorical_names):
        make()


if __name__ == "__main__":
    main()
