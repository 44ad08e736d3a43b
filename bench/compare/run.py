"""Coppice beside XGBoost, LightGBM and CatBoost: the same data, parameters and threads, test metrics beside times.

    run.py quality   test metrics over data sets and seeds
    run.py speed     seconds and peak memory from a matrix in memory to a model
    run.py csv       seconds and peak memory from a CSV file to a model, as whole processes
    run.py growth    seconds and peak memory against rows, features, depth, bins and trees
    run.py busy      seconds while another process takes one of the cores, against a quiet machine
    run.py tuning    seconds and best validation AUC of nine trials of a random search
    run.py score     rows a second, the same trees for every library, on one core
    run.py instructions   instructions of each phase of a small training, counted by valgrind
    run.py tables    Markdown tables from the results
    run.py plots     plots of growth from the results

Any Python with requirements.txt does; `./dev bench` makes one. Results are JSON files with every repeat.
"""

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import cases
import csv_peers
import environment
import growth
import instructions
import plots
import processes
import tables

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"
PLOTS = ROOT / "docs" / "plots"
# Of a record, while it is measured.
TOLD = ("failed", "skipped", "seconds", "rows", "peak_mib", "instructions", "requests_per_second", "p50", "p99")


class Results:
    """Records of one run, written again after each of them: what is killed keeps what it had."""

    def __init__(self, kind, arguments):
        self.path = pathlib.Path(arguments.out or RESULTS / f"{kind}.json")
        self.about = {"kind": kind, "threads": arguments.threads, **environment.describe(arguments.build)}
        self.records = []
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def measure(self, keys, measured):
        """Adds a record for each of `keys`, with what `measured()` gives for it, and returns these. When a program
        fails, that is what is recorded, and the other subjects go on.
        """
        try:
            records = measured()
        except processes.Failed as failure:
            records = [{failure.kind: str(failure)}] * len(keys)
        for key, record in zip(keys, records, strict=True):
            self._add(key, record)
        return records

    def _add(self, key, record):
        self.records.append({**key, **record})
        lines = ",\n".join(json.dumps(one) for one in self.records)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(f'{json.dumps(self.about, indent=1)[:-2]},\n "records": [\n{lines}\n]}}\n')
        temporary.replace(self.path)
        numbers = {**record.get("metrics", {}), **{name: record[name] for name in TOLD if name in record}}
        told = "  ".join(f"{name} {value if isinstance(value, str) else format(value, '.5g')}"
                         for name, value in numbers.items())
        print(" | ".join(f"{name} {value}" for name, value in key.items()) + " | " + told, file=sys.stderr, flush=True)


def program(arguments, name):
    """Path of a built program; `./dev bench` or CMake makes it."""
    path = arguments.build / name
    if not path.exists():
        target = "coppice_cli" if name == "coppice" else name
        subprocess.run(["cmake", "--build", arguments.build, "--target", target], check=True, stdout=sys.stderr)
    return path


def chosen(text, known):
    names = text.split(",") if text else list(known)
    for name in names:
        if name not in known:
            raise SystemExit(f"unknown '{name}'; known: {', '.join(known)}")
    return names


# data and measure are imported where they are needed: a child's peak memory, as the kernel counts it for
# `coppice train`, begins with its parent's, and they are large.


def run_quality(arguments):
    import data
    import measure

    results = Results("quality", arguments)
    trainer = program(arguments, "coppice_bench_train")
    subjects = (arguments.subjects or ",".join(cases.QUALITY_SUBJECTS)).split(",")
    seeds = cases.QUALITY_SEEDS[: arguments.repeats or len(cases.QUALITY_SEEDS)]
    for name in chosen(arguments.cases, cases.QUALITY_TABLES):
        table = cases.TABLES[name]
        with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
            work = pathlib.Path(folder)
            parts = {}
            for seed in seeds:
                parts[seed] = (work / f"train{seed}.matrix", work / f"test{seed}.matrix")
                data.write(table, seed, parts[seed], arguments.data, None)
            for setting in arguments.settings.split(","):
                for text in subjects:
                    subject = cases.subject(text)
                    jobs = [{"parameters": measure.parameters_of(subject, cases.SETTINGS[setting], table.regression,
                                                                 seed),
                             "train": str(train), "test": str(test), "margins": str(work / f"margins{seed}")}
                            for seed, (train, test) in parts.items()]
                    keys = [{"case": name, "setting": setting, "subject": text, "seed": seed} for seed in seeds]
                    results.measure(keys, lambda: measure.train(trainer, subject, jobs, arguments.threads,
                                                                table.regression))


@contextlib.contextmanager
def matrices(arguments, dataset):
    """Paths of the train and the test matrix of a data set, in a folder of their own."""
    import data

    generator = program(arguments, "coppice_generate_fraud")
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        parts = (pathlib.Path(folder) / "train.matrix", pathlib.Path(folder) / "test.matrix")
        data.write(dataset, 0, parts, arguments.data, generator)
        yield parts


def train_once(arguments, text, setting, parts, most_seconds=None):
    """The records of one training of a subject."""
    import measure

    subject = cases.subject(text)
    job = {"parameters": measure.parameters_of(subject, setting, False, 0), "train": str(parts[0]),
           "test": str(parts[1]), "margins": str(parts[0].with_name("margins"))}
    return measure.train(program(arguments, "coppice_bench_train"), subject, [job], arguments.threads,
                         most_seconds=most_seconds)


def run_speed(arguments):
    results = Results("speed", arguments)
    subjects = (arguments.subjects or ",".join(cases.SPEED_SUBJECTS)).split(",")
    for name in chosen(arguments.cases, cases.SPEED_CASES):
        case = cases.SPEED_CASES[name]
        with matrices(arguments, case.data) as parts:
            for repeat in range(arguments.repeats or 5):  # subjects alternate: what disturbs the machine hits all
                for text in subjects:
                    key = {"case": name, "setting": case.setting, "subject": text, "seed": 0, "repeat": repeat}
                    results.measure([key], lambda: train_once(arguments, text, cases.SETTINGS[case.setting], parts))


def run_busy(arguments):
    results = Results("busy", arguments)
    cores = processes.use_cores(arguments.threads)
    subjects = (arguments.subjects or ",".join(cases.BUSY_SUBJECTS)).split(",")
    for name in chosen(arguments.cases or cases.BUSY_CASE, cases.SPEED_CASES):
        case = cases.SPEED_CASES[name]
        with matrices(arguments, case.data) as parts:
            for repeat, text, load in itertools.product(range(arguments.repeats or 5), subjects, ("quiet", "busy")):
                key = {"case": name, "setting": case.setting, "subject": text, "repeat": repeat, "load": load}
                with processes.spinning(cores[0]) if load == "busy" else contextlib.nullcontext():
                    results.measure([key], lambda: train_once(arguments, text, cases.SETTINGS[case.setting], parts))


def run_growth(arguments):
    results = Results("growth", arguments)
    limits = growth.Limits(arguments.most_seconds, environment.available_gib())
    for shape in chosen(arguments.cases, cases.GROWTH_SHAPES):
        for dataset, points in growth.by_data(shape, chosen(arguments.axes, cases.GROWTH_AXES)):
            with matrices(arguments, dataset) if limits.has_memory(points[0]) else contextlib.nullcontext() as parts:
                for point in points:
                    measure_point(arguments, results, limits, shape, point, parts)


def measure_point(arguments, results, limits, shape, point, parts):
    """All subjects at one point of growth. Repeats end when a subject's time at the point is used up."""
    subjects = (arguments.subjects or ",".join(cases.GROWTH_SUBJECTS)).split(",")
    spent = {text: [] for text in subjects}

    def attempt(text):
        if reason := limits.reason_to_skip(shape, text, point):
            raise processes.Skipped(reason)
        return train_once(arguments, text, cases.growth_setting(point), parts, limits.most_seconds)

    for repeat in range(arguments.repeats or 3):
        for text in subjects:
            if repeat and not limits.has_time_for_more(spent[text]):
                continue
            start = time.perf_counter()
            (record,) = results.measure([{"case": shape, **point, "subject": text, "repeat": repeat}],
                                        lambda: attempt(text))
            if "seconds" in record:
                spent[text].append(time.perf_counter() - start)
            elif "skipped" in record:
                limits.add_too_slow(shape, text, point)


def run_tuning(arguments):
    import tuning

    results = Results("tuning", arguments)
    data = cases.TUNING_DATA if arguments.rows is None else cases.Fraud(arguments.rows, arguments.rows // 3, 0.01)
    processes.use_cores(arguments.threads)
    with matrices(arguments, data) as parts:
        tables = tuning.write_tables(program(arguments, "coppice_generate_fraud"), data, parts)
        for repeat in range(arguments.repeats or 5):
            for text in chosen(arguments.subjects, cases.TUNING_SUBJECTS):
                key = {"case": f"{data.train_rows:,} rows", "setting": cases.TUNING_SETTING, "subject": text,
                       "repeat": repeat}
                results.measure([key], lambda: [tuning.measure(text, program(arguments, "coppice"), parts, tables,
                                                               arguments.threads, seed=repeat)])


def run_score(arguments):
    import score

    results = Results("score", arguments)
    processes.use_cores(1)
    scorer = program(arguments, "coppice_bench_score")
    subjects = chosen(arguments.subjects, cases.SCORE_SUBJECTS)
    for name in chosen(arguments.cases, cases.SCORE_CASES):
        with matrices(arguments, cases.SCORE_CASES[name]) as parts:
            contest = score.Contest(scorer, parts)
            for repeat in range(arguments.repeats or 5):
                for text in subjects:
                    keys = [{"case": name, "subject": text, "batch": batch, "repeat": repeat}
                            for batch in cases.SCORE_BATCHES]
                    results.measure(keys, lambda: contest.measure(text))


def run_csv(arguments):
    results = Results("csv", arguments)
    subjects = (arguments.subjects or ",".join(cases.CSV_SUBJECTS)).split(",")
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        table = pathlib.Path(folder) / "fraud.csv"
        subprocess.run([program(arguments, "coppice_generate_fraud"), "--rows", str(cases.CSV_ROWS),
                        "--digits", str(cases.CSV_DIGITS), "--out", table], check=True)
        for repeat in range(arguments.repeats or 5):
            for text in subjects:
                key = {"case": "csv", "setting": cases.CSV_SETTING, "subject": text, "seed": 0, "repeat": repeat,
                       "file_mib": table.stat().st_size / 2**20}
                coppice = program(arguments, "coppice")
                results.measure([key], lambda: [csv_peers.measure(text, coppice, table, arguments.threads)])


def run_instructions(arguments):
    results = Results("instructions", arguments)
    trainer = program(arguments, "coppice_bench_train")
    with matrices(arguments, cases.INSTRUCTIONS_DATA) as parts:
        for phase, count in instructions.count(trainer, parts[0], cases.SETTINGS[cases.INSTRUCTIONS_SETTING]).items():
            results.measure([{"phase": phase}], lambda: [{"instructions": count}])


def result_files(arguments):
    return [pathlib.Path(path) for path in arguments.results] or sorted(RESULTS.glob("*.json"))


def run_tables(arguments):
    tables.write(result_files(arguments), [pathlib.Path(path) for path in arguments.into])


def run_plots(arguments):
    plots.write(result_files(arguments), pathlib.Path(arguments.out))


# What runs something, and what is particular to it.
RUNS = {
    "quality": run_quality,
    "speed": run_speed,
    "csv": run_csv,
    "growth": run_growth,
    "busy": run_busy,
    "tuning": run_tuning,
    "score": run_score,
    "instructions": run_instructions,
}


def add_run(verb, name):
    verb.set_defaults(function=RUNS[name])
    verb.add_argument("--data", default=os.environ.get("COPPICE_DATA"),
                      help="folder of the data sets (default: COPPICE_DATA)")
    verb.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                      help="CMake build folder of Coppice (default: build/release)")
    verb.add_argument("--cases", help="some cases only, separated by commas")
    verb.add_argument("--subjects", help="some subjects only; Coppice's parameters may follow one: "
                                         "coppice:cat_smooth=1:cat_l2=0")
    verb.add_argument("--threads", type=int, default=1 if name == "score" else 2)
    verb.add_argument("--repeats", type=int, help="seeds (quality) or runs of each subject; default 5, growth 3")
    verb.add_argument("--work", help="folder for temporary files")
    verb.add_argument("--out", help=f"file for the results (default: bench/results/{name}.json)")


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = top.add_subparsers(dest="verb", required=True)
    for name in RUNS:
        add_run(verbs.add_parser(name), name)
    verbs.choices["quality"].add_argument("--settings", default=",".join(cases.QUALITY_SETTINGS))
    verbs.choices["growth"].add_argument("--axes", help=f"some axes only: {','.join(cases.GROWTH_AXES)}")
    verbs.choices["growth"].add_argument("--most-seconds", type=float, default=120,
                                         help="wall-clock time of a subject at one point, its repeats together")
    verbs.choices["tuning"].add_argument("--rows", type=int, help="a smaller table, to see whether it works")
    for name, function in (("tables", run_tables), ("plots", run_plots)):
        verb = verbs.add_parser(name)
        verb.set_defaults(function=function)
        verb.add_argument("results", nargs="*", help="result files (default: all in bench/results)")
    verbs.choices["tables"].add_argument("--into", action="append", default=[], metavar="FILE.md",
                                         help="put the tables between the marks of this file; without it they are "
                                              "printed")
    verbs.choices["plots"].add_argument("--out", default=PLOTS, help="folder for the plots (default: docs/plots)")
    return top


if __name__ == "__main__":
    given = parser().parse_args()
    given.function(given)
