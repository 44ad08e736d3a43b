"""bench/compare without the libraries that it compares: a subject that fails is told as such and stops nobody else."""

import argparse
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "compare"))

import processes  # noqa: E402
import run  # noqa: E402
import tables  # noqa: E402


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


class Tables(unittest.TestCase):
    def lines(self, table, *records):
        return table(tables.Records([{"records": list(records)}])).splitlines()

    def test_speed_tells_failures_and_compares_with_the_rest(self):
        lines = self.lines(tables.speed, record("coppice", 1), record("xgboost", 3), record("lightgbm", 2),
                           failure("lightgbm"))
        self.assertEqual(lines[2], "| fraud | coppice | 1 | 1-1 | 3x | 9 | 5 | 0.5000 | 0.5000 | 0.5000 |")
        self.assertEqual(lines[4], "| fraud | lightgbm | failed |  |  |  |  |  |  |  |")

    def test_csv_tells_failures(self):
        lines = self.lines(tables.csv, record("coppice", 1), failure("pandas + xgboost"))
        self.assertEqual(lines[2:], ["| coppice | 1 | 1-1 |  | 9 |", "| pandas + xgboost | failed |  |  |  |"])

    def test_quality_has_no_mean_over_the_seeds_that_are_left(self):
        lines = self.lines(tables.quality_short, record("coppice", 1), record("lightgbm", 1, ap=0.9),
                           failure("lightgbm", seed=1), record("xgboost", 1, ap=0.4))
        self.assertEqual(lines[-1], "| fraud | **0.50000** | failed | 0.40000 |")

    def test_nobody_is_behind_without_numbers(self):
        self.assertEqual(self.lines(tables.behind, failure("coppice"), record("xgboost", 1)), ["Nowhere."])


if __name__ == "__main__":
    unittest.main()
