"""bench/compare without the libraries that it compares: a subject that fails is told as such and stops nobody else,
the points of growth, the trees of one model in the words of other libraries, tables and plots.
"""

import argparse
import json
import math
import os
import pathlib
import signal
import sys
import tempfile
import unittest
from unittest import mock
from xml.etree import ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "compare"))

import cases  # noqa: E402
import growth  # noqa: E402
import instructions  # noqa: E402
import plots  # noqa: E402
import processes  # noqa: E402
import run  # noqa: E402
import tables  # noqa: E402
import trees  # noqa: E402
import tuning  # noqa: E402


class Processes(unittest.TestCase):
    def test_output_and_threads(self):
        self.assertEqual(processes.run(["sh", "-c", "echo $OMP_NUM_THREADS"], 3), "3\n")

    def test_failure_has_the_last_words(self):
        with self.assertRaises(processes.Failed) as caught:
            processes.run(["sh", "-c", "echo first >&2; echo 'a check failed' >&2; echo >&2; exit 7"], 1)
        self.assertEqual(str(caught.exception), "exit code 7: a check failed")
        with self.assertRaises(processes.Failed) as caught:
            processes.run(["sh", "-c", "kill -ABRT $$"], 1)
        self.assertEqual(str(caught.exception), "signal SIGABRT")

    def test_what_takes_too_long_is_stopped_and_skipped(self):
        with self.assertRaises(processes.Skipped) as caught:
            processes.run(["sleep", "60"], 1, most_seconds=0.05)
        self.assertEqual(str(caught.exception), "takes more than 0.05 s")

    def test_spinning_takes_one_core_and_ends(self):
        core = max(os.sched_getaffinity(0))
        with processes.spinning(core) as spinner:
            self.assertEqual(os.sched_getaffinity(spinner.pid), {core})
            self.assertIsNone(spinner.poll())
        self.assertEqual(spinner.returncode, -signal.SIGKILL)


def record(subject, seconds, seed=0, ap=0.5):
    return {"case": "fraud", "setting": "seed", "subject": subject, "seed": seed, "seconds": seconds, "peak_mib": 9,
            "loaded_mib": 4, "metrics": {"ap": ap, "auc": ap, "logloss": ap}}


def failure(subject, seed=0):
    return {"case": "fraud", "setting": "seed", "subject": subject, "seed": seed, "failed": "signal SIGABRT"}


class Results(unittest.TestCase):
    def test_failures_are_recorded_and_the_others_go_on(self):
        def crash():
            raise processes.Failed("signal SIGABRT: Check failed")

        keys = [{"case": "fraud", "setting": "seed", "subject": "a", "seed": seed} for seed in (0, 1)]
        with tempfile.TemporaryDirectory() as folder, mock.patch("environment.describe", return_value={"commit": "c"}):
            path = pathlib.Path(folder) / "speed.json"
            results = run.Results("speed", argparse.Namespace(out=path, threads=2, build=None))
            with mock.patch("sys.stderr"):
                results.measure(keys, crash)
                results.measure(keys[:1], lambda: [{"seconds": 1.0, "peak_mib": 2.0}])
            written = json.loads(path.read_text())["records"]
        self.assertEqual(written, [{**keys[0], "failed": "signal SIGABRT: Check failed"},
                                   {**keys[1], "failed": "signal SIGABRT: Check failed"},
                                   {**keys[0], "seconds": 1.0, "peak_mib": 2.0}])


class Instructions(unittest.TestCase):
    # As callgrind writes: names once, then their numbers; the line after `calls` holds what the call cost.
    LINES = """fn=(1) coppice::kernels::cpu::add_rows<true, 30>(HistogramRows const&, long*)
0 100
+3 20
cfn=(2) coppice::kernels::cpu::route_block(RouteTree const&)
calls=1 0
* 5000
fn=(2)
0 700
fn=(1)
0 3
fn=(4) main
0 11
""".splitlines()

    def test_calls_are_counted_where_they_are_spent(self):
        counts = list(instructions.self_counts(self.LINES).values())
        self.assertEqual(counts, [123, 700, 11])

    def test_functions_belong_to_phases(self):
        phases = instructions.by_phase(instructions.self_counts(self.LINES))
        self.assertEqual({name: n for name, n in phases.items() if n}, {"histogram": 123, "route": 700, "other": 11})


class Tables(unittest.TestCase):
    def lines(self, table, *records):
        return table(tables.Records([{"records": list(records)}])).splitlines()

    def test_speed_tells_failures_and_compares_with_the_rest(self):
        lines = self.lines(tables.speed, record("coppice", 1), record("xgboost", 3), record("lightgbm", 2),
                           failure("lightgbm"))
        self.assertEqual(lines[2], "| fraud | coppice | 1 | 1-1 | 3x |  | 9 | 5 | 0.5000 | 0.5000 | 0.5000 |")
        self.assertEqual(lines[4], "| fraud | lightgbm | failed |  |  |  |  |  |  |  |  |")

    def test_tuning_compares_seconds_and_tells_the_best_auc(self):
        lines = self.lines(tables.tuning, {**record("coppice", 1, ap=0.75), "process_seconds": 1},
                           {**record("xgboost", 8), "process_seconds": 9},
                           {**record("xgboost two at once", 7), "process_seconds": 9})
        self.assertEqual(lines[2], "| fraud | coppice | 1 | 1-1 | 7x | 1 | 0.7500 |")
        self.assertEqual(lines[3], "| fraud | xgboost | 8 | 8-8 | 0.88x | 9 | 0.5000 |")

    def test_speed_tells_the_time_of_a_tree(self):
        lines = self.lines(tables.speed, {**record("coppice", 1), "train_seconds": 0.5})  # of 100 trees
        self.assertEqual(lines[2], "| fraud | coppice | 1 | 1-1 |  | 5 | 9 | 5 | 0.5000 | 0.5000 | 0.5000 |")

    def test_csv_tells_failures(self):
        lines = self.lines(tables.csv, record("coppice", 1), failure("pandas + xgboost"))
        self.assertEqual(lines[2:], ["| coppice | 1 | 1-1 |  | 9 |", "| pandas + xgboost | failed |  |  |  |"])

    def test_quality_has_no_mean_over_the_seeds_that_are_left(self):
        lines = self.lines(tables.quality_short, record("coppice", 1), record("lightgbm", 1, ap=0.9),
                           failure("lightgbm", seed=1), record("xgboost", 1, ap=0.4))
        self.assertEqual(lines[-1], "| fraud | **0.50000** | failed | 0.40000 |")

    def test_nobody_is_behind_without_numbers(self):
        self.assertEqual(self.lines(tables.behind, failure("coppice"), record("xgboost", 1)), ["Nowhere."])

    def test_busy_divides_medians(self):
        runs = [{**record("coppice", seconds), "load": load}
                for load, seconds in (("quiet", 1), ("quiet", 2), ("quiet", 9), ("busy", 3))]
        lines = self.lines(tables.busy, *runs, {**failure("xgboost"), "load": "busy"})
        self.assertEqual(lines[2:], ["| fraud | coppice | 2 | 3 | 1.50 |", "| fraud | xgboost | failed |  |  |"])

    def test_score_compares_each_batch_size(self):
        def scored(subject, batch, rows):
            return {"case": "fraud", "subject": subject, "batch": batch, "rows": rows, "seconds": 0.5}

        lines = self.lines(tables.score, scored("coppice", 1, 1_000_000), scored("coppice", 100, 2_000_000),
                           scored("lleaves", 1, 250_000), scored("lleaves", 100, 1_000_000),
                           {"case": "fraud", "subject": "tl2cgen", "batch": 1, "skipped": "not installed"},
                           {"case": "fraud", "subject": "tl2cgen", "batch": 100, "skipped": "not installed"})
        self.assertEqual(lines[2:], ["| fraud | coppice | 0.5 us (4x) | 4 M/s (2x) |",
                                     "| fraud | lleaves | 2 us (1x) | 2 M/s (1x) |",
                                     "| fraud | tl2cgen | skipped | skipped |"])

    def test_serve_compares_throughput_and_tells_latencies(self):
        def served(subject, load, **numbers):
            return {"case": "single", "transport": "tcp", "subject": subject, "load": load, **numbers}

        lines = self.lines(tables.serve("single", "tcp"),
                           served("coppice", "closed", requests_per_second=60_000, p50=1, p99=1),
                           served("coppice", "500 a second", requests_per_second=500, p50=1e-4, p99=2.5e-4),
                           served("flask", "closed", requests_per_second=1_500, p50=1, p99=1),
                           served("flask", "500 a second", skipped="takes 100 requests a second at most"))
        self.assertEqual(lines, ["| server | most, requests a second | p50 / p99 at 500 a second |",
                                 "|---|---:|---:|",
                                 "| coppice | 60,000 (40x) | 0.1 ms / 0.25 ms |",
                                 "| flask | 1,500 (1x) | skipped |"])

    def test_growth_has_a_row_for_each_point(self):
        lines = self.lines(tables.growth_table, grown("coppice", 1), grown("coppice", 8, rows=1_000_000),
                           grown("xgboost", 5), grown("xgboost", 0, rows=1_000_000, ended="skipped"))
        self.assertEqual(lines[2:], ["| balanced | rows 100,000 | 1 s, 5 MiB | 5 s, 5 MiB | 5x |",
                                     "| balanced | rows 1,000,000 | 8 s, 5 MiB | skipped |  |"])


def grown(subject, seconds, ended="", **coordinates):
    numbers = {ended: "a reason"} if ended else {"seconds": seconds, "peak_mib": 9, "loaded_mib": 4}
    return {"case": "balanced", **cases.GROWTH_BASE, **coordinates, "subject": subject, **numbers}


class Growth(unittest.TestCase):
    def test_points_vary_one_axis_of_the_base_case(self):
        points = growth.points("balanced", ["depth", "bins"])
        self.assertEqual(points[0], cases.GROWTH_BASE)
        changed = [{name for name in point if point[name] != cases.GROWTH_BASE[name]} for point in points[1:]]
        self.assertEqual(changed, [{"depth"}] * 5 + [{"bins"}] * 2)
        self.assertEqual(growth.points("fraud", ["features"]), [cases.GROWTH_BASE])

    def test_points_of_the_same_data_are_together(self):
        groups = growth.by_data("balanced", ["rows", "depth"])
        self.assertEqual([(data.train_rows, data.features, len(points)) for data, points in groups],
                         [(100_000, 30, 6), (1_000_000, 30, 1), (10_000_000, 30, 1)])

    def test_too_slow_at_one_point_is_too_slow_at_larger_ones(self):
        limits = growth.Limits(most_seconds=60, memory_gib=1)
        slow = {**cases.GROWTH_BASE, "depth": 10}
        limits.add_too_slow("fraud", "xgboost", slow)
        larger, smaller, other = {**slow, "depth": 12}, {**slow, "depth": 8}, {**slow, "depth": 12, "bins": 15}
        self.assertEqual(limits.reason_to_skip("fraud", "xgboost", larger), "a smaller case takes more than 60 s")
        for shape, subject, point in (("fraud", "xgboost", smaller), ("fraud", "xgboost", other),
                                      ("fraud", "coppice", larger), ("balanced", "xgboost", larger)):
            self.assertIsNone(limits.reason_to_skip(shape, subject, point))

    def test_memory_and_time_are_limited(self):
        limits = growth.Limits(most_seconds=60, memory_gib=5)
        huge = {**cases.GROWTH_BASE, "rows": 10_000_000}  # 10 M x 30 x 20 bytes are 5.6 GiB
        self.assertEqual(limits.reason_to_skip("fraud", "coppice", huge), "needs about 6 GiB of memory")
        self.assertEqual([limits.has_time_for_more(seconds) for seconds in ([], [20], [20, 20], [20, 21], [31])],
                         [False, True, True, False, False])


class Tuning(unittest.TestCase):
    def test_the_same_ranges_and_parameters_for_all(self):
        command = [str(word) for word in tuning._coppice_command("coppice", cases.TUNING_SUBJECTS["coppice"],
                                                                 ("t.csv", "v.csv"), 2, 7, "out")]
        self.assertEqual([command[i + 1] for i, word in enumerate(command) if word == "--range"],
                         ["learning_rate=0:1", "min_child_weight=0:10", "reg_alpha=0:2", "max_depth=1:10"])
        self.assertIn("num_round=100", command)
        self.assertFalse(set(tuning.fixed_parameters()) & set(cases.TUNING_RANGES))

    def test_rows_are_divided_as_in_the_matrices(self):
        data = cases.Fraud(2, 1, 0.5)
        with tempfile.TemporaryDirectory() as folder:
            generator = pathlib.Path(folder) / "generator"
            generator.write_text("#!/bin/sh\nprintf 'a,Class\\n1,0\\n2,1\\n3,0\\n'\n")
            generator.chmod(0o755)
            paths = tuning.write_tables(generator, data, [pathlib.Path(folder) / name for name in ("t.m", "v.m")])
            self.assertEqual([path.read_text() for path in paths], ["a,Class\n1,0\n2,1\n", "a,Class\n3,0\n"])


class Plots(unittest.TestCase):
    def test_lines_are_medians_along_the_axis(self):
        records = [grown("coppice", seconds, depth=depth) for depth, seconds in ((8, 5), (3, 1), (8, 4), (8, 9))]
        records += [grown("coppice", 7, bins=15), grown("xgboost", 0, depth=8, ended="skipped")]
        self.assertEqual(plots.lines(records, "depth", "seconds"), {"coppice": [(3, 1), (8, 5)]})
        self.assertEqual(plots.lines(records, "depth", "memory"), {"coppice": [(3, 5), (8, 5)]})

    def test_scale_is_logarithmic(self):
        scale = plots.Scale(1, 100, 50, 250)
        self.assertEqual([scale(value) for value in (1, 10, 100)], [50, 150, 250])
        self.assertEqual(scale.ticks(), [1, 2, 5, 10, 20, 50, 100])
        self.assertEqual(plots.Scale(0.5, 2000, 0, 1).ticks(), [1, 10, 100, 1000])

    def test_figure_has_a_curve_for_each_subject_and_measure(self):
        records = [grown(subject, rows / 1e5, rows=rows) for subject in ("coppice", "xgboost")
                   for rows in (100_000, 1_000_000)]
        drawn = ElementTree.fromstring(plots.figure("rows", records))
        self.assertEqual(len(drawn.findall(".//{*}polyline")), 4)
        self.assertEqual(len(drawn.findall(".//{*}circle")), 8)
        self.assertEqual(plots.figure("bins", records), "")


# f1 < 0.5 ? (f0 < -1 ? 1 : 2) : 3, missing goes left at the root; then a tree that is a leaf.
MODEL = json.dumps({"learner": {
    "learner_model_param": {"base_score": "[7.5E-1]", "num_feature": "2"},
    "gradient_booster": {"model": {"trees": [
        {"left_children": [1, 3, -1, -1, -1], "right_children": [2, 4, -1, -1, -1],
         "split_indices": [1, 0, 0, 0, 0], "split_conditions": [0.5, -1, 3, 1, 2],
         "default_left": [1, 0, 0, 0, 0]},
        {"left_children": [-1], "right_children": [-1], "split_indices": [0], "split_conditions": [0.1],
         "default_left": [0]}]}}}})


class Trees(unittest.TestCase):
    def setUp(self):
        self.forest = trees.read_xgboost(MODEL)

    def test_before_is_the_next_smaller_float(self):
        self.assertEqual([trees.before(value) for value in (1.0, -1.0, 0.0, 2.0**-149)],
                         [1 - 2.0**-24, -1 - 2.0**-23, -(2.0**-149), 0.0])

    def test_reading(self):
        root = self.forest.trees[0][0]
        self.assertEqual((root.left, root.right, root.feature, root.threshold, root.default_left),
                         (1, 2, 1, 0.5, True))
        self.assertAlmostEqual(self.forest.base_margin, math.log(3))
        self.assertEqual(self.forest.trees[1][0].value, 13421773 / 2**27)  # 0.1 as a float32

    def test_rounding_counts_every_addition(self):
        largest = math.log(3) + 3 + 13421773 / 2**27
        self.assertAlmostEqual(trees.rounding(self.forest), 3 * largest / 2**24, places=15)

    def test_lightgbm(self):
        text = trees.lightgbm(self.forest)
        first, second = (dict(line.split("=") for line in part.splitlines() if "=" in line)
                         for part in text.split("end of trees")[0].split("Tree=")[1:])
        self.assertEqual((first["split_feature"], first["left_child"], first["right_child"]), ("1 0", "1 -2", "-1 -3"))
        self.assertEqual([float(word) for word in first["threshold"].split()], [0.5 - 2.0**-25, -1 - 2.0**-23])
        self.assertEqual(first["decision_type"], "10 8")
        for word, value in zip(first["leaf_value"].split(), (3, 1, 2), strict=True):
            self.assertAlmostEqual(float(word), value + math.log(3))
        self.assertEqual((second["num_leaves"], second["leaf_value"]), ("1", repr(13421773 / 2**27)))
        sizes = text.split("tree_sizes=")[1].splitlines()[0].split()
        body = text[text.index("Tree=0"):text.index("end of trees")]
        self.assertEqual(sum(map(int, sizes)), len(body))
        self.assertTrue(body[int(sizes[0]):].startswith("Tree=1"))

    def test_catboost(self):
        model = json.loads(trees.catboost(self.forest))
        self.assertEqual([feature["borders"] for feature in model["features_info"]["float_features"]],
                         [[-1 - 2.0**-23], [0.5 - 2.0**-25]])
        root = model["trees"][0]
        self.assertEqual((root["split"]["split_index"], root["right"]["value"], root["left"]["left"]["value"],
                          root["left"]["right"]["value"]), (1, 3, 1, 2))
        self.assertAlmostEqual(model["scale_and_bias"][1][0], math.log(3))

    def test_onnx(self):
        attributes = trees.onnx_attributes(self.forest)
        self.assertEqual(attributes["nodes_treeids"], [0] * 5 + [1])
        self.assertEqual(attributes["nodes_modes"], ["BRANCH_LT"] * 2 + ["LEAF"] * 4)
        self.assertEqual(attributes["nodes_truenodeids"][:2], [1, 3])
        self.assertEqual(attributes["nodes_missing_value_tracks_true"][:2], [1, 0])
        self.assertEqual(attributes["target_nodeids"], [2, 3, 4, 0])
        self.assertEqual(attributes["target_weights"], [3, 1, 2, 13421773 / 2**27])


if __name__ == "__main__":
    unittest.main()
