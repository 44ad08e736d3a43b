"""What a result has to say about where it comes from."""

import contextlib
import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess

LIBRARIES = ("xgboost", "lightgbm", "catboost", "polars", "pandas", "pyarrow", "scikit-learn", "numpy", "treelite",
             "tl2cgen", "lleaves", "llvmlite", "onnxruntime", "optuna", "fastapi", "uvicorn", "flask", "gunicorn")
_TOLD_FLAGS = re.compile(r"^(avx|fma|bmi2|gfni|f16c)")


def _git(*words):
    done = subprocess.run(["git", "-C", pathlib.Path(__file__).parent, *words], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu():
    fields = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", "").split()
    return fields.get("model name", "unknown"), " ".join(flag for flag in flags if _TOLD_FLAGS.match(flag))


def _compiler(build):
    """Compiler and flags of a CMake build folder."""
    cache = dict(re.findall(r"^(\w+):\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.MULTILINE))
    compiler = cache.get("CMAKE_CXX_COMPILER", "c++")
    told = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    build_type = cache.get("CMAKE_BUILD_TYPE", "")
    flags = f"{cache.get('CMAKE_CXX_FLAGS', '')} {cache.get(f'CMAKE_CXX_FLAGS_{build_type.upper()}', '')}"
    return {"compiler": told[0] if told else compiler, "build_type": build_type, "flags": flags.strip()}


def _versions():
    """Of the libraries that are installed."""
    found = {}
    for library in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[library] = importlib.metadata.version(library)
    return found


def available_gib():
    """Memory that is free, or can be made so."""
    fields = dict(line.split(":") for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) / 2**20


def describe(build):
    model, flags = _cpu()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "changed_since_commit": bool(_git("status", "--porcelain")),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {"cpu": model, "cores": len(os.sched_getaffinity(0)), "cpu_flags": flags,
                    "memory_gib": round(memory / 2**30, 1), "system": platform.platform(),
                    "load_average": [round(load, 1) for load in os.getloadavg()]},
        "build": _compiler(build),
        "versions": {"python": platform.python_version(), **_versions()},
    }
