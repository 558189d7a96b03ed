"""The results, side by side."""

from __future__ import annotations

from tests.bench.measures import ROWS, UNITS, Figure, Figures


def better(one: Figures | None, other: Figures) -> Figures:
    """The better figure of each row."""
    if one is None:
        return other
    best = dict(one)
    for row, figure in other.items():
        known = one.get(row)
        if known is None or (figure.value < known.value if row in UNITS else figure.value > known.value):
            best[row] = figure
    return best


def printed(results: dict[str, Figures]) -> str:
    """A table: one column for each Connector; the last one says how many times as good the first is."""
    names = list(results)
    lines = [f"{'':46}" + "".join(f"{name[-34:]:>36}" for name in names) + (f"{'ratio':>9}" if len(names) > 1 else "")]
    for row in ROWS:
        figures = [results[name].get(row) for name in names]
        if not any(figures):
            continue
        line = f"{row:46}" + "".join(f"{_text(row, figure):>36}" for figure in figures)
        lines.append(line + (f"{_ratio(row, figures):>9}" if len(names) > 1 else ""))
    return "\n".join(lines)


def _text(row: str, figure: Figure | None) -> str:
    if figure is None:
        return "-"
    if row in UNITS:
        return f"{figure.value:,.2f} {UNITS[row]}"
    parts = [f"{figure.value:,.0f}/s"]
    if figure.p99_ms is not None:
        parts.append(f"p99 {figure.p99_ms:,.0f} ms")
    if figure.cpu_us is not None:
        parts.append(f"{figure.cpu_us:,.0f} us")
    return " ".join([*parts, *([f"({figure.remark})"] if figure.remark else [])])


def _ratio(row: str, figures: list[Figure | None]) -> str:
    first, last = figures[0], figures[-1]
    if first is None or last is None or not first.value or not last.value:
        return "-"
    ratio = last.value / first.value if row in UNITS else first.value / last.value
    return f"{ratio:.1f}x"
