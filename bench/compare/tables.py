"""Markdown tables from result files: printed, or put between marks in a document.

A document asks for a table by two lines, `<!-- bench NAME -->` and `<!-- /bench NAME -->`; NAME is a key of TABLES.
"""

import json
import math
import re
import statistics

import cases
import growth

HIGHER_IS_BETTER = {"ap": True, "auc": True, "logloss": False, "rmse": False}
METRIC_NAMES = {"ap": "average precision", "auc": "ROC AUC", "logloss": "logloss", "rmse": "RMSE"}
COPPICE = ("coppice", "coppice exact")
BEHIND = " ▼"
WITHOUT_NUMBERS = ("failed", "skipped")  # keys of records that tell why instead


class Records:
    """Records of all result files of one kind, in the order in which they were measured."""

    def __init__(self, results):
        self.records = [record for result in results for record in result["records"]]

    def names(self, key, **where):
        """The values of `key`, each once, in order."""
        return list(dict.fromkeys(record[key] for record in self._where(**where)))

    def select(self, **where):
        """Records with numbers."""
        return [record for record in self._where(**where) if not any(word in record for word in WITHOUT_NUMBERS)]

    def failing(self, **where):
        """How a record ended that has no numbers; empty when all have them."""
        return next((word for record in self._where(**where) for word in WITHOUT_NUMBERS if word in record), "")

    def by_seed(self, metric, **where):
        """Nothing where a seed failed: a mean over the others would not compare."""
        if self.failing(**where):
            return {}
        return {r["seed"]: r["metrics"][metric] for r in self.select(**where) if metric in r["metrics"]}

    def _where(self, **where):
        return [r for r in self.records if all(r[key] == value for key, value in where.items())]


def mean_and_error(values):
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return statistics.fmean(values), error


def digits(value, error):
    """Decimals that show the error to one digit and more."""
    smallest = error if error > 0 else abs(value) / 1000
    return max(0, min(5, 1 - math.floor(math.log10(smallest)))) if smallest > 0 else 4


def best_of(records, metric, where, names):
    """The subject with the best mean."""
    means = {name: statistics.fmean(values) for name in names
             if (values := records.by_seed(metric, subject=name, **where).values())}
    return (max if HIGHER_IS_BETTER[metric] else min)(means, key=means.get, default=None)


def best_peer(records, metric, where, subjects):
    return best_of(records, metric, where, [name for name in subjects if not name.startswith("coppice")])


def difference(records, metric, where, name, peer):
    """Mean and standard error, over the seeds that both have, of how much better `name` is than `peer`."""
    ours, theirs = (records.by_seed(metric, subject=subject, **where) for subject in (name, peer))
    sign = 1 if HIGHER_IS_BETTER[metric] else -1
    return mean_and_error([sign * (ours[seed] - theirs[seed]) for seed in ours if seed in theirs])


def is_behind(records, metric, where, name, peer):
    """Worse than the best peer by more than two standard errors of the paired difference."""
    if not records.by_seed(metric, subject=name, **where):
        return False
    mean, error = difference(records, metric, where, name, peer)
    return mean < -2 * error


def markdown(header, rows):
    """Short rows end in empty cells."""
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row + [""] * (len(header) - len(row))) + " |" for row in rows])


def quality_cell(records, metric, where, name, peer):
    values = list(records.by_seed(metric, subject=name, **where).values())
    if not values:
        return records.failing(subject=name, **where)
    mean, error = mean_and_error(values)
    places = digits(mean, error)
    text = f"{mean:.{places}f}" + (f" ± {error:.{places}f}" if error > 0 else "")
    behind_peer = name in COPPICE and peer and is_behind(records, metric, where, name, peer)
    return text + (BEHIND if behind_peer else "")


def quality_table(records, metric, setting):
    subjects = records.names("subject")
    rows = []
    for case in records.names("case", setting=setting):
        where = {"case": case, "setting": setting}
        if not any(metric in r["metrics"] for r in records.select(**where)):
            continue
        peer = best_peer(records, metric, where, subjects)
        best = best_of(records, metric, where, subjects)
        cells = {name: quality_cell(records, metric, where, name, peer) for name in subjects}
        rows.append([case] + [f"**{cell}**" if name == best else cell for name, cell in cells.items()])
    return markdown(["data"] + subjects, rows) if rows else ""


def setting_text(setting):
    return ", ".join(f"`{key}={value}`" for key, value in cases.SETTINGS[setting].items())


def quality(records):
    parts = []
    for setting in records.names("setting"):
        parts.append(f"### Setting *{setting}*\n\n{setting_text(setting)}")
        for metric, name in METRIC_NAMES.items():
            table = quality_table(records, metric, setting)
            if table:
                better = "higher" if HIGHER_IS_BETTER[metric] else "lower"
                parts.append(f"Test {name} ({better} is better), mean ± standard error over the seeds\n\n{table}")
    return "\n\n".join(parts)


def quality_short(records):
    """Average precision, and RMSE where the label is a number, in the first setting."""
    setting = records.names("setting")[0]
    tables = [f"Test {METRIC_NAMES[metric]}, setting *{setting}*\n\n{table}"
              for metric in ("ap", "rmse") if (table := quality_table(records, metric, setting))]
    return "\n\n".join(tables)


def behind(records):
    """Where Coppice is behind the best peer by more than the spread, in numbers."""
    subjects = records.names("subject")
    rows = []
    for record in {(r["case"], r["setting"]): r for r in records.select()}.values():
        where = {"case": record["case"], "setting": record["setting"]}
        for metric in record["metrics"]:
            peer = best_peer(records, metric, where, subjects)
            for name in COPPICE:
                if name not in subjects or not peer or not is_behind(records, metric, where, name, peer):
                    continue
                mean, error = difference(records, metric, where, name, peer)
                rows.append([where["case"], where["setting"], METRIC_NAMES[metric], name, peer,
                             f"{mean:.3g} ± {error:.1g}"])
    header = ["data", "setting", "metric", "subject", "best peer", "difference (negative is worse)"]
    return markdown(header, rows) if rows else "Nowhere."


def median_of(runs, value):
    return statistics.median(value(run) for run in runs)


def medians_of(records, value, **where):
    """Median of each subject that has numbers in all its records."""
    return {name: median_of(records.select(subject=name, **where), value) for name in records.names("subject", **where)
            if not records.failing(subject=name, **where)}


def fastest_peer(medians):
    """Least seconds of the other libraries, None without any."""
    return min((seconds for name, seconds in medians.items() if not name.startswith("coppice")), default=None)


def ratio(seconds, peer_seconds):
    return f"{peer_seconds / seconds:.2g}x" if peer_seconds and seconds else ""


def seconds_of(record):
    return record["seconds"]


def speed_rows(records, more_cells):
    """Rows of case, subject and times, then `more_cells(runs)`. A subject that failed once has no numbers."""
    for case in records.names("case"):
        medians = medians_of(records, seconds_of, case=case)
        for name in records.names("subject", case=case):
            if name not in medians:
                yield [case, name, records.failing(case=case, subject=name)]
                continue
            runs = records.select(case=case, subject=name)
            seconds = [seconds_of(run) for run in runs]
            yield [case, name, f"{medians[name]:.3g}", f"{min(seconds):.3g}-{max(seconds):.3g}",
                   ratio(medians[name], fastest_peer(medians)), *more_cells(runs)]


def tree_milliseconds(record):
    return 1000 * record["train_seconds"] / cases.SETTINGS[record["setting"]]["num_round"]


def speed(records):
    def cells(runs):
        has_parts = all("train_seconds" in run for run in runs)
        yield f"{median_of(runs, tree_milliseconds):.3g}" if has_parts else ""
        yield f"{median_of(runs, lambda r: r['peak_mib']):.0f}"
        yield f"{median_of(runs, memory_of):.0f}"
        for metric in ("ap", "auc", "logloss"):
            yield f"{median_of(runs, lambda r: r['metrics'][metric]):.4f}"

    return markdown(["case", "subject", "seconds (median)", "range", "against the fastest peer", "ms a tree",
                     "peak MiB", "MiB over the loaded matrix", "AP", "AUC", "logloss"], speed_rows(records, cells))


def memory_of(record):
    return record["peak_mib"] - record["loaded_mib"]


def growth_table(records):
    """Seconds and memory of each point of each axis; a point on several axes, the base case, stands in each."""
    subjects = records.names("subject")
    rows = []
    for shape in records.names("case"):
        for axis in cases.GROWTH_SHAPES[shape].axes:
            points = [record for record in records.records if record["case"] == shape]
            values = dict.fromkeys(record[axis] for record in growth.along(axis, points))
            for value in values if len(values) > 1 else ():
                where = {"case": shape, **cases.GROWTH_BASE, axis: value}
                medians = medians_of(records, seconds_of, **where)
                memory = medians_of(records, memory_of, **where)
                cells = [f"{medians[name]:.3g} s, {memory[name]:.0f} MiB" if name in medians
                         else records.failing(subject=name, **where) for name in subjects]
                rows.append([shape, f"{axis} {value:,}", *cells, ratio(medians.get("coppice"), fastest_peer(medians))])
    return markdown(["data", "point", *subjects, "coppice against the fastest peer"], rows)


def busy(records):
    rows = []
    for case in records.names("case"):
        quiet, taken = (medians_of(records, seconds_of, case=case, load=load) for load in ("quiet", "busy"))
        rows += [[case, name, f"{quiet[name]:.3g}", f"{taken[name]:.3g}", f"{taken[name] / quiet[name]:.2f}"]
                 if name in quiet and name in taken else [case, name, records.failing(case=case, subject=name)]
                 for name in records.names("subject", case=case)]
    return markdown(["case", "subject", "quiet, seconds (median)", "one core taken", "busy / quiet"], rows)


def score(records):
    """One row by microseconds, batches by million rows a second, each with how it compares with the fastest peer."""
    batches = records.names("batch")
    rows = []
    for case in records.names("case"):
        medians = {batch: medians_of(records, lambda r: r["seconds"] / r["rows"], case=case, batch=batch)
                   for batch in batches}
        for name in records.names("subject", case=case):
            cells = []
            for batch in batches:
                if (seconds := medians[batch].get(name)) is None:
                    cells.append(records.failing(case=case, batch=batch, subject=name))
                    continue
                told = f"{1e6 * seconds:.3g} us" if batch == 1 else f"{1e-6 / seconds:.3g} M/s"
                cells.append(f"{told} ({ratio(seconds, fastest_peer(medians[batch]))})")
            rows.append([case, name, *cells])
    return markdown(["case", "subject", *(f"{batch:,} rows at once" if batch > 1 else "one row" for batch in batches)],
                    rows)


def tuning(records):
    """The best AUC is that of one search: the spread over the repeats, which have other seeds, is large."""
    def cells(runs):
        yield f"{median_of(runs, lambda r: r['process_seconds']):.3g}"
        yield f"{median_of(runs, lambda r: r['metrics']['auc']):.4f}"

    return markdown(["case", "subject", "seconds (median)", "range", "against the fastest peer", "whole process",
                     "best validation AUC"], speed_rows(records, cells))


def serve_cell(records, name, load, **where):
    """Requests a second under a closed load, with how they compare with the best peer's; latencies under an open one."""
    times = medians_of(records, lambda r: 1 / r["requests_per_second"], load=load, **where)
    if name not in times:
        return records.failing(subject=name, load=load, **where)
    if load == "closed":
        return f"{1 / times[name]:,.0f} ({ratio(times[name], fastest_peer(times))})"
    return " / ".join(f"{1e3 * medians_of(records, lambda r: r[key], load=load, **where)[name]:.3g} ms"
                      for key in ("p50", "p99"))


def serve(case, transport):
    def table(records):
        where = {"case": case, "transport": transport}
        loads = records.names("load", **where)
        rows = [[name, *(serve_cell(records, name, load, **where) for load in loads)]
                for name in records.names("subject", **where)]
        headings = ["most, requests a second", *(f"p50 / p99 at {load}" for load in loads[1:])]
        return markdown(["server", *headings], rows) if rows else ""

    return table


def csv(records):
    rows = speed_rows(records, lambda runs: [f"{median_of(runs, lambda r: r['peak_mib']):.0f}"])
    return markdown(["subject", "seconds (median)", "range", "against the fastest peer", "peak MiB"],
                    [row[1:] for row in rows])


def instructions(records):
    """Instructions of each phase, in millions."""
    total = sum(record["instructions"] for record in records.records)
    rows = [[record["phase"], f"{record['instructions'] / 1e6:.1f}", f"{record['instructions'] / total:.0%}"]
            for record in records.records]
    return markdown(["phase", "million instructions", "share"], rows)


def machine(results):
    lines = []
    for result in results:
        place = result["machine"]
        versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        lines.append(f"- *{result['kind']}*: {place['cpu']}, {place['cores']} cores, {place['memory_gib']} GiB, "
                     f"{result['threads']} threads; {result['build']['compiler']}, `{result['build']['flags']}`; "
                     f"{versions}; commit {result['commit'][:12]}, {result['started'][:10]}.")
    return "\n".join(lines)


TABLES = {  # name: (kind of results, function)
    "quality": ("quality", quality),
    "quality short": ("quality", quality_short),
    "behind": ("quality", behind),
    "speed": ("speed", speed),
    "csv": ("csv", csv),
    "growth": ("growth", growth_table),
    "busy": ("busy", busy),
    "tuning": ("tuning", tuning),
    "score": ("score", score),
    "instructions": ("instructions", instructions),
    "serve single": ("serve", serve("single", "tcp")),
    "serve batch": ("serve", serve("batch", "tcp")),
    "serve unix single": ("serve", serve("single", "unix")),
    "serve unix batch": ("serve", serve("batch", "unix")),
}


def make(name, results):
    if name == "machine":
        return machine(results)
    if name not in TABLES:
        raise SystemExit(f"no table '{name}'; known: machine, {', '.join(TABLES)}")
    kind, function = TABLES[name]
    of_kind = [result for result in results if result["kind"] == kind]
    return function(Records(of_kind)) if of_kind else ""


def fill(text, results):
    """The document with every asked-for table replaced."""

    def replace(match):
        begin, name, end = match.group(1), match.group(2), match.group(3)
        table = make(name, results)
        return f"{begin}\n{table}\n{end}" if table else match.group(0)

    return re.sub(r"(<!-- bench ([\w ]+) -->).*?(<!-- /bench \2 -->)", replace, text, flags=re.DOTALL)


def write(result_files, documents):
    results = [json.loads(path.read_text()) for path in result_files]
    for document in documents:
        document.write_text(fill(document.read_text(), results))
    if not documents:
        for name in ("machine", *TABLES):
            table = make(name, results)
            if table:
                print(f"## {name}\n\n{table}\n")
