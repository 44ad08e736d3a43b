"""The other libraries. As a program: runs the trainings of one request, in a process of its own.

    python peers.py REQUEST.json

REQUEST holds engine, variant, threads and jobs: [{parameters, train, test, margins}]. One JSON line is printed for
each job: seconds from the float32 matrix in memory to the trained model, data construction included; of these, the
seconds of construction (prepare) and of training, where the library bins before it trains; the memory of the process
before it and at its peak.
"""

import json
import pathlib
import sys
import time

import mapping
import matrix
import numpy as np


class XGBoost:
    """Category codes as a pandas user has them: dictionary from training, unseen is missing."""

    bins_first = True

    def __init__(self, parameters, threads, variant):
        import xgboost

        self.library = xgboost
        self.parameters = mapping.xgboost(parameters, threads, variant)
        self.rounds = parameters["num_round"]
        self.threads = threads

    def prepare(self, values, n_categories):
        types = ["c" if n else "q" for n in n_categories]
        return _unseen_to_missing(values, n_categories), (types if any(n_categories) else None)

    def construct(self, prepared, labels):
        values, types = prepared
        return self.library.QuantileDMatrix(values, labels, feature_types=types, enable_categorical=True,
                                            max_bin=self.parameters["max_bin"], nthread=self.threads)

    def train(self, data):
        return self.library.train(self.parameters, data, self.rounds)

    def to_score(self, prepared):
        values, types = prepared
        return self.library.DMatrix(values, feature_types=types, enable_categorical=True, nthread=self.threads)

    def margins(self, model, data):
        return model.predict(data, output_margin=True)


class LightGBM:
    """Category codes as for XGBoost, named by categorical_feature."""

    bins_first = True

    def __init__(self, parameters, threads, variant):
        import lightgbm

        self.library = lightgbm
        self.parameters = mapping.lightgbm(parameters, threads, variant)
        self.rounds = parameters["num_round"]

    def prepare(self, values, n_categories):
        return _unseen_to_missing(values, n_categories), [int(f) for f in np.flatnonzero(n_categories)]

    def construct(self, prepared, labels):
        values, categorical = prepared
        data = self.library.Dataset(values, labels, categorical_feature=categorical, params=self.parameters)
        return data.construct()

    def train(self, data):
        return self.library.train(self.parameters, data, self.rounds)

    def to_score(self, prepared):
        return prepared[0]

    def margins(self, model, data):
        return model.predict(data, raw_score=True)


class CatBoost:
    """Categories as strings, missing and unseen ones among them; CatBoost makes its own statistics of them."""

    bins_first = False

    def __init__(self, parameters, threads, variant):
        import catboost

        self.library = catboost
        self.parameters = mapping.catboost(parameters, threads, variant)

    def prepare(self, values, n_categories):
        if not any(n_categories):
            return values
        is_category = np.asarray(n_categories) > 0
        codes = np.nan_to_num(values[:, is_category], nan=-1).astype(np.int64)
        return self.library.FeaturesData(num_feature_data=np.ascontiguousarray(values[:, ~is_category]),
                                         cat_feature_data=codes.astype("S").astype(object))

    def construct(self, prepared, labels):
        return self.library.Pool(prepared, labels)

    def train(self, data):
        return self.library.CatBoost(self.parameters).fit(data)

    def to_score(self, prepared):
        return self.library.Pool(prepared)

    def margins(self, model, data):
        return model.predict(data, prediction_type="RawFormulaVal")


PEERS = {"xgboost": XGBoost, "lightgbm": LightGBM, "catboost": CatBoost}


def _unseen_to_missing(values, n_categories):
    for f in np.flatnonzero(n_categories):
        values[values[:, f] >= n_categories[f], f] = np.nan
    return values


def memory_mib(name):
    """VmHWM (peak) or VmRSS (now) of this process."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0


def reset_peak_memory():
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def warm_up(peer):
    """A tiny training, so that what a library loads on its first use is not counted."""
    random = np.random.default_rng(0)
    values = random.standard_normal((200, 2)).astype(np.float32)
    labels = (values[:, 0] > 0).astype(np.float32)
    peer.train(peer.construct(peer.prepare(values, np.zeros(2, np.uint32)), labels))


def run(job, engine, variant, threads):
    peer = PEERS[engine](job["parameters"], threads, variant)
    warm_up(peer)
    values, n_categories, labels = matrix.read(job["train"])
    prepared = peer.prepare(values, n_categories)
    reset_peak_memory()
    loaded_mib = memory_mib("VmRSS")
    start = time.perf_counter()
    constructed = peer.construct(prepared, labels)
    prepare_seconds = time.perf_counter() - start
    model = peer.train(constructed)
    seconds = time.perf_counter() - start
    peak_mib = memory_mib("VmHWM")
    values, n_categories, _ = matrix.read(job["test"])
    margins = peer.margins(model, peer.to_score(peer.prepare(values, n_categories)))
    np.asarray(margins, np.float32).tofile(job["margins"])
    parts = {"prepare_seconds": prepare_seconds, "train_seconds": seconds - prepare_seconds}
    return {"seconds": seconds, **(parts if peer.bins_first else {}), "loaded_mib": loaded_mib, "peak_mib": peak_mib}


if __name__ == "__main__":
    request = json.loads(pathlib.Path(sys.argv[1]).read_text())
    for one in request["jobs"]:
        print(json.dumps(run(one, request["engine"], request["variant"], request["threads"])), flush=True)
