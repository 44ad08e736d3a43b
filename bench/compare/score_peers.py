"""Other libraries that score the trees of one XGBoost model, on one thread.

    python score_peers.py build SUBJECT FOLDER
    python score_peers.py score SUBJECT FOLDER ROWS.matrix MARGINS SECONDS BATCH,...

`build` makes of FOLDER/model.json what the library needs. `score` measures libraries that are called from Python, as
bench/score.cpp measures Coppice and those that are called from C.
"""

import json
import pathlib
import subprocess
import sys
import time
from dataclasses import dataclass

import trees

NATIVE = pathlib.Path(__file__).parent / "native"
ROWS_BETWEEN_CLOCKS = 256  # as in bench/score.cpp


@dataclass(frozen=True)
class ScorePeer:
    packages: tuple
    build: object  # function of (forest, folder): makes FOLDER/file
    file: str
    load: object = None  # function of that file: gives rows -> margins; None: a shared library, called from C
    model: str = "model.json"  # what a shared library reads

    @property
    def is_native(self):
        return self.load is None


# --- Building ---------------------------------------------------------------------------------------------------


def _keep(forest, folder):
    """XGBoost's own file does."""
    del forest, folder


def _write(file, text_of):
    def build(forest, folder):
        (folder / file).write_text(text_of(forest))

    return build


def _build_onnx(forest, folder):
    from onnx import TensorProto, helper, save_model

    def tensor(name, columns):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, columns])

    node = helper.make_node("TreeEnsembleRegressor", ["rows"], ["margins"], domain="ai.onnx.ml",
                            **trees.onnx_attributes(forest))
    graph = helper.make_graph([node], "trees", [tensor("rows", forest.n_features)], [tensor("margins", 1)])
    opsets = [helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 17)]
    save_model(helper.make_model(graph, ir_version=8, opset_imports=opsets), folder / "model.onnx")


def _compile(name, folder, *words):
    """native/NAME.c as FOLDER/NAME.so."""
    subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", "-I", NATIVE, NATIVE / f"{name}.c", *words,
                    "-o", folder / f"{name}.so"], check=True)


def _link_package(name, folder, package, library):
    path = pathlib.Path(package.__file__).parent / "lib" / library
    _compile(name, folder, path, f"-Wl,-rpath,{path.parent}")


def _build_xgboost_native(forest, folder):
    import xgboost

    del forest
    _link_package("xgboost", folder, xgboost, "libxgboost.so")


def _build_lightgbm_native(forest, folder):
    import lightgbm

    (folder / "lightgbm.txt").write_text(trees.lightgbm(forest))
    _link_package("lightgbm", folder, lightgbm, "lib_lightgbm.so")


def _build_tl2cgen(forest, folder):
    import tl2cgen
    import treelite

    del forest
    model = treelite.frontend.load_xgboost_model(folder / "model.json")
    tl2cgen.generate_c_code(model, dirpath=folder / "tl2cgen", params={})
    _compile("tl2cgen", folder, "-I", folder / "tl2cgen", folder / "tl2cgen" / "main.c")


def _build_lleaves(forest, folder):
    import lleaves

    text = folder / "lleaves.txt"
    text.write_text(trees.lightgbm(forest))
    objects = []
    for name, options in (("single", {"fblocksize": len(forest.trees)}), ("batch", {})):
        objects.append(folder / f"lleaves_{name}.o")
        lleaves.Model(model_file=text).compile(cache=objects[-1], raw_score=True, use_fp64=False,
                                               froot_func_name=f"score_{name}", **options)
    _compile("lleaves", folder, *objects)


# --- Scoring from Python ----------------------------------------------------------------------------------------


def _load_xgboost(path):
    import xgboost

    model = xgboost.Booster({"nthread": 1}, model_file=path)
    return lambda rows: model.inplace_predict(rows, predict_type="margin")


def _load_lightgbm(path):
    import lightgbm

    model = lightgbm.Booster(model_file=path)
    return lambda rows: model.predict(rows, raw_score=True, num_threads=1)


def _load_catboost(path):
    import catboost

    model = catboost.CatBoost().load_model(str(path), format="json")
    return lambda rows: model.predict(rows, prediction_type="RawFormulaVal", thread_count=1)


def _load_treelite(path):
    import treelite

    model = treelite.frontend.load_xgboost_model(path)
    return lambda rows: treelite.gtil.predict(model, rows, nthread=1, pred_margin=True)


def _load_onnx(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda rows: session.run(None, {"rows": rows})[0]


SCORE_PEERS = {
    "xgboost": ScorePeer(("xgboost",), _keep, "model.json", _load_xgboost),
    "xgboost from C": ScorePeer(("xgboost",), _build_xgboost_native, "xgboost.so"),
    "lightgbm": ScorePeer(("lightgbm",), _write("lightgbm.txt", trees.lightgbm), "lightgbm.txt", _load_lightgbm),
    "lightgbm from C": ScorePeer(("lightgbm",), _build_lightgbm_native, "lightgbm.so", model="lightgbm.txt"),
    "catboost": ScorePeer(("catboost",), _write("catboost.json", trees.catboost), "catboost.json", _load_catboost),
    "treelite": ScorePeer(("treelite",), _keep, "model.json", _load_treelite),
    "tl2cgen from C": ScorePeer(("treelite", "tl2cgen"), _build_tl2cgen, "tl2cgen.so"),
    "lleaves from C": ScorePeer(("lleaves",), _build_lleaves, "lleaves.so"),
    "onnxruntime": ScorePeer(("onnx", "onnxruntime"), _build_onnx, "model.onnx", _load_onnx),
}


def time_batches(predict, rows, batch, seconds):
    """One batch after the other, from the first row again after the last, until `seconds` are over."""
    predict(rows[:batch])  # warm
    first = n_scored = 0
    elapsed = 0.0
    start = time.perf_counter()
    while elapsed < seconds:
        for _ in range(0, ROWS_BETWEEN_CLOCKS, batch):
            predict(rows[first : first + batch])
            first = first + batch if first + 2 * batch <= len(rows) else 0
            n_scored += batch
        elapsed = time.perf_counter() - start
    return {"batch": batch, "rows": n_scored, "seconds": elapsed}


def build(name, folder):
    SCORE_PEERS[name].build(trees.read_xgboost((folder / "model.json").read_text()), folder)


def score(name, folder, matrix_file, margins_file, seconds, batches):
    import matrix
    import numpy as np

    peer = SCORE_PEERS[name]
    predict = peer.load(folder / peer.file)
    rows, _, _ = matrix.read(matrix_file)
    np.asarray(predict(rows), np.float32).ravel().tofile(margins_file)
    measured = [time_batches(predict, rows, int(batch), float(seconds)) for batch in batches.split(",")]
    print(json.dumps({"batches": measured}))


if __name__ == "__main__":
    verb, subject, place, *more = sys.argv[1:]
    {"build": build, "score": score}[verb](subject, pathlib.Path(place), *more)
