"""What is measured: data sets, training settings and subjects, as data."""

import json
from dataclasses import dataclass, field

# Training settings by Coppice's parameter names; mapping.py gives them to the other libraries.
SETTINGS = {
    "seed": {  # the demo's parameters
        "num_round": 100, "max_depth": 5, "learning_rate": 0.2, "gamma": 4, "min_child_weight": 6,
        "subsample": 0.8, "reg_lambda": 1, "max_bin": 255,
    },
    "plain": {
        "num_round": 200, "max_depth": 6, "learning_rate": 0.1, "gamma": 0, "min_child_weight": 1,
        "subsample": 1, "reg_lambda": 1, "max_bin": 255,
    },
    "deep": {  # for the large balanced table
        "num_round": 50, "max_depth": 8, "learning_rate": 0.1, "gamma": 0, "min_child_weight": 1,
        "subsample": 1, "reg_lambda": 1, "max_bin": 255,
    },
}


@dataclass(frozen=True)
class Subject:
    """A library in one configuration. `changes` go over the setting, by Coppice's parameter names."""

    engine: str  # a key of peers.PEERS, or `coppice`
    changes: dict = field(default_factory=dict)
    variant: str = ""  # `rows`: Coppice starts from a row-major matrix; others: see mapping.py


SUBJECTS = {
    "coppice": Subject("coppice"),
    "coppice exact": Subject("coppice", {"sampling_noise": 0, "screening": 1}),
    "coppice from rows": Subject("coppice", variant="rows"),
    # The same as coppice on tables that keep fewer rows than the limit.
    "coppice no row limit": Subject("coppice", {"sampling_rows": 0}),
    "xgboost": Subject("xgboost"),
    "lightgbm": Subject("lightgbm"),
    "lightgbm quantised": Subject("lightgbm", variant="quantised"),
    "catboost": Subject("catboost"),
    "catboost symmetric": Subject("catboost", variant="symmetric"),
}
QUALITY_SUBJECTS = ("coppice", "coppice exact", "xgboost", "lightgbm", "catboost")
SPEED_SUBJECTS = ("coppice", "coppice exact", "coppice from rows", "xgboost", "lightgbm", "lightgbm quantised",
                  "catboost")


def _value(text):
    """A number where the text is one."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def subject(text):
    """A subject by name, with parameters after it where wanted: `coppice:cat_smooth=1:cat_l2=0`."""
    name, *assignments = text.split(":")
    if name not in SUBJECTS:
        raise SystemExit(f"unknown subject '{name}'; known: {', '.join(SUBJECTS)}")
    base = SUBJECTS[name]
    changes = {key: _value(value) for key, value in (assignment.split("=", 1) for assignment in assignments)}
    return Subject(base.engine, {**base.changes, **changes}, base.variant)


@dataclass(frozen=True)
class Table:
    """A data set in files: gzip-compressed CSV, see datasets/manifest.json. String columns are categories.

    Without a test file it is split 70/30, stratified by a class label, once for each seed.
    """

    train: str
    label: str
    test: str = ""
    dropped: tuple = ()  # ids, other labels, and what gives the label away
    regression: bool = False
    # (column, (first, last) of training, (first, last) of test): split by a column's value instead
    periods: tuple = ()


_HANDBOOK_IDS = ("TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_TIME_SECONDS", "TX_TIME_DAYS",
                 "TX_FRAUD_SCENARIO")
TABLES = {
    "creditcard_subset": Table("creditcard_subset.csv.gz", "Class"),
    "adult": Table("adult.csv.gz", "label"),
    "handbook": Table("handbook_train.csv.gz", "TX_FRAUD", "handbook_test.csv.gz", _HANDBOOK_IDS),
    "california_housing": Table("california_housing.csv.gz", "median_house_value", regression=True),
    "diamonds": Table("diamonds.csv.gz", "price", regression=True),
    "credit_default_uci": Table("credit_default_uci.csv.gz", "label"),
    # `duration` is known only after the call.
    "bank_full": Table("bank_full.csv.gz", "label", dropped=("duration",)),
    "vehicle_claims_fraud": Table("vehicle_claims_fraud.csv.gz", "label", dropped=("PolicyNumber",)),
    "hotel_bookings": Table("hotel_bookings.csv.gz", "label"),
    "diabetes130": Table("diabetes130_readmission.csv.gz", "label",
                         dropped=("encounter_id", "patient_nbr", "label_readmitted")),
    "census_income_kdd": Table("census_income_kdd.csv.gz", "label"),
}
QUALITY_TABLES = tuple(TABLES)
QUALITY_SETTINGS = ("seed", "plain")
QUALITY_SEEDS = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Fraud:
    """Rows of coppice_generate_fraud (datasets/), the first ones to train on and the rest to test."""

    train_rows: int
    test_rows: int
    positives_share: float
    seed: int = 1


@dataclass(frozen=True)
class Normal:
    """Standard normal features; label 1 where a nonlinear function of six of them, plus noise, is above its median.

    numpy's PCG64 from `seed`: X first, then the noise; the first rows train, the rest test.
    """

    train_rows: int
    test_rows: int
    features: int
    seed: int = 1


@dataclass(frozen=True)
class SpeedCase:
    data: object  # Table, Fraud or Normal
    setting: str


SPEED_CASES = {
    "fraud": SpeedCase(Fraud(284_807, 100_000, 0.00173), "seed"),
    "handbook days 0-59": SpeedCase(
        Table("handbook_fraud.csv.gz", "TX_FRAUD", dropped=_HANDBOOK_IDS,
              periods=("TX_TIME_DAYS", (0, 59), (70, 129))), "seed"),
    "balanced": SpeedCase(Fraud(284_807, 100_000, 0.5), "seed"),
    "balanced 1M x 28": SpeedCase(Normal(1_000_000, 200_000, 28), "deep"),
    "fraud 5M": SpeedCase(Fraud(5_000_000, 100_000, 0.00173), "seed"),
}

# One of the cores taken by another process, against none.
BUSY_CASE = "fraud"
BUSY_SUBJECTS = ("coppice", "coppice exact", "xgboost", "lightgbm", "catboost")

# Growth: one axis at a time around one base case, for each shape of data.
GROWTH_BASE = {"rows": 100_000, "features": 30, "depth": 6, "bins": 255, "trees": 100}
GROWTH_AXES = {
    "rows": (100_000, 1_000_000, 10_000_000),
    "features": (10, 100, 1000),
    "depth": (3, 4, 6, 8, 10, 12),
    "bins": (15, 63, 255),
    "trees": (10, 100, 500),
}
GROWTH_TEST_ROWS = 20_000


@dataclass(frozen=True)
class GrowthShape:
    data: object  # function of training rows and features
    axes: tuple


GROWTH_SHAPES = {
    "fraud": GrowthShape(lambda rows, _: Fraud(rows, GROWTH_TEST_ROWS, 0.00173), ("rows", "depth", "bins", "trees")),
    "balanced": GrowthShape(lambda rows, features: Normal(rows, GROWTH_TEST_ROWS, features), tuple(GROWTH_AXES)),
}
GROWTH_SUBJECTS = ("coppice", "xgboost", "lightgbm", "catboost")


def growth_setting(point):
    return {**SETTINGS["plain"], "max_depth": point["depth"], "max_bin": point["bins"], "num_round": point["trees"]}


# Scoring: the model is XGBoost's, the rows are the test rows.
SCORE_CASES = {name: SPEED_CASES[name].data for name in ("fraud", "balanced")}
SCORE_PARAMETERS = {**SETTINGS["plain"], "num_round": 100}
SCORE_BATCHES = (1, 100, 10_000, 100_000)
SCORE_SECONDS = 0.2  # for each batch size, at least
SCORE_SUBJECTS = ("coppice", "xgboost", "xgboost from C", "lightgbm", "lightgbm from C", "catboost", "treelite",
                  "tl2cgen from C", "lleaves from C", "onnxruntime")

# CSV file to model, as whole processes; see csv_peers.py.
CSV_ROWS = 284_807
CSV_DIGITS = 17
CSV_LABEL = "Class"
CSV_SETTING = "seed"
CSV_SUBJECTS = ("coppice", "pandas + xgboost", "polars + xgboost", "lightgbm from file")

# Tuning: as many trials of a random search over these ranges (low, high), the other parameters as the setting says.
TUNING_DATA = SPEED_CASES["fraud"].data
TUNING_SETTING = "seed"
TUNING_TRIALS = 9
TUNING_RANGES = {"learning_rate": (0, 1), "min_child_weight": (0, 10), "reg_alpha": (0, 2), "max_depth": (1, 10)}
TUNING_INTEGERS = ("max_depth",)


@dataclass(frozen=True)
class TuningSubject:
    engine: str
    at_once: int  # trials; they share the threads


TUNING_SUBJECTS = {
    "coppice": TuningSubject("coppice", 2),
    **{f"{engine}{suffix}": TuningSubject(engine, at_once) for engine in ("xgboost", "lightgbm", "catboost")
       for suffix, at_once in (("", 1), (" two at once", 2))},
}

# Small enough for valgrind.
INSTRUCTIONS_DATA = Fraud(20_000, 1_000, 0.01)
INSTRUCTIONS_SETTING = "seed"
