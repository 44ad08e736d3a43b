"""How time and memory grow along the axes of cases.GROWTH_AXES: which points there are, and which are worth trying."""

import cases

COORDINATES = tuple(cases.GROWTH_BASE)
BYTES_A_VALUE = 20  # the row-major matrix, a copy that a library may make, bins, and the file in the page cache


def points(shape, axes):
    """The base case and what each axis varies of it, each point once."""
    has = cases.GROWTH_SHAPES[shape].axes
    found = [cases.GROWTH_BASE]
    found += [{**cases.GROWTH_BASE, axis: value} for axis in axes if axis in has for value in cases.GROWTH_AXES[axis]]
    return list({tuple(point.values()): point for point in found}.values())


def by_data(shape, axes):
    """Pairs of a data set and the points that it is for."""
    groups = {}
    for point in points(shape, axes):
        groups.setdefault((point["rows"], point["features"]), []).append(point)
    return [(cases.GROWTH_SHAPES[shape].data(*size), group) for size, group in groups.items()]


def along(axis, records):
    """The records of one axis, the base case among them, in the order of the axis."""
    others = [name for name in COORDINATES if name != axis]
    chosen = [record for record in records if all(record[name] == cases.GROWTH_BASE[name] for name in others)]
    return sorted(chosen, key=lambda record: record[axis])


def _needed_gib(point):
    return point["rows"] * point["features"] * BYTES_A_VALUE / 2**30


class Limits:
    """What is not worth trying: what takes too long at one point also does where no coordinate is smaller."""

    def __init__(self, most_seconds, memory_gib):
        self.most_seconds = most_seconds
        self.memory_gib = memory_gib
        self.too_slow = []

    def has_memory(self, point):
        return _needed_gib(point) <= self.memory_gib

    def reason_to_skip(self, shape, subject, point):
        """None when the point should be tried."""
        if not self.has_memory(point):
            return f"needs about {_needed_gib(point):.0f} GiB of memory"
        for slow_shape, slow_subject, slow in self.too_slow:
            if (slow_shape, slow_subject) == (shape, subject) and all(point[c] >= slow[c] for c in COORDINATES):
                return f"a smaller case takes more than {self.most_seconds:g} s"
        return None

    def add_too_slow(self, shape, subject, point):
        self.too_slow.append((shape, subject, point))

    def has_time_for_more(self, seconds):
        """Whether one more run fits beside those that took `seconds`; never after none, which did not end well."""
        return bool(seconds) and sum(seconds) + max(seconds) <= self.most_seconds
