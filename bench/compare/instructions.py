"""Instructions of each phase of a small training, counted by valgrind: a slowdown shows on a noisy machine, too.

Valgrind knows no AVX-512, so the counts are those of the AVX2 kernels.
"""

import re
import subprocess
import tempfile

# Functions of a phase; what several phases share, and what is left, counts as `other`.
PHASES = {
    "cuts": r"RankedValues|make_cuts|append_numeric_cuts|cut_sample|few_distinct",
    "bin": r"bin_column|transpose_block|CpuBackend::bin",
    "gradient": r"sweep_block|quantise|copy_records|Session::sweep",
    "histogram": r"add_rows|subtract|search_block",
    "split": r"find_numeric|find_in_block|find_categorical",
    "partition": r"part_slots|Session::partition",
    "route": r"route_block|add_leaf_sums|Session::route",
}


def _name(text, names):
    """The name of a function, which callgrind writes once and then abbreviates to its number."""
    number, _, name = text.partition(" ")
    if name:
        names[number] = name
    return names[number]


def self_counts(lines):
    """Instructions of each function itself, from the lines of a callgrind file."""
    counts, names, function, is_call = {}, {}, "", False
    for line in lines:
        if line.startswith("fn="):
            function = _name(line[3:].strip(), names)
        elif line.startswith(("cfn=", "cfi=", "cob=")):
            if line.startswith("cfn="):
                _name(line[4:].strip(), names)
        elif line.startswith("calls="):
            is_call = True  # the next line holds what the call cost, which is counted where it was spent
        elif line[:1].isdigit() or line[:1] in "+-*":
            if not is_call:
                counts[function] = counts.get(function, 0) + int(line.split()[-1])
            is_call = False
    return counts


def by_phase(counts):
    phases = dict.fromkeys((*PHASES, "other"), 0)
    for function, count in counts.items():
        phase = next((phase for phase, pattern in PHASES.items() if re.search(pattern, function)), "other")
        phases[phase] += count
    return phases


def count(trainer, matrix, parameters):
    """Instructions of each phase of one training on one thread, whose matrix is read from a file: that counts as
    `other`.
    """
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", trainer, matrix, "--threads",
                        "1", *(f"{key}={value}" for key, value in parameters.items())],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with open(out.name, encoding="utf-8") as file:
            return by_phase(self_counts(file))
