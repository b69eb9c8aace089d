"""What a benchmark found: rows, each with its goal; in one shape for all
commands, as text, as JSON, and as one self-contained HTML page.

Thread: any; pure.
"""

import html
import json
import platform

STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; background: #fff;
       max-width: 62em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; padding: .28em .6em;
         border-bottom: 1px solid #ddd; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
td.ok { color: #2a7d3f; } td.bad { color: #fff; background: #c0392b; }
.verdict { font-weight: bold; } small { color: #666; }
svg { width: 100%; height: auto; }
"""


class Row:
    """One measured value and its goal.  'details': more numbers, for
    scripts."""

    def __init__(self, name, goal, result, unit, ok, note="", details=None):
        self.name = name
        self.goal = goal
        self.result = result
        self.unit = unit
        self.ok = bool(ok)
        self.note = note
        self.details = details or {}

    def as_dict(self):
        out = {"name": self.name, "goal": self.goal, "result": self.result,
               "unit": self.unit, "ok": self.ok}
        if self.note:
            out["note"] = self.note
        if self.details:
            out["details"] = self.details
        return out


class Result:
    """All that a command found.  'charts': (title, <svg> element)."""

    def __init__(self, command, intro):
        self.command = command
        self.intro = intro
        self.rows = []
        self.charts = []
        self.facts = {"machine": platform.machine(),
                      "kernel": platform.release(),
                      "processor": _processor()}

    def add(self, *args, **kwargs):
        row = Row(*args, **kwargs)
        self.rows.append(row)
        return row

    @property
    def ok(self):
        """No row at all is no success."""
        return bool(self.rows) and all(row.ok for row in self.rows)

    def to_json(self):
        return json.dumps({"command": self.command, "ok": self.ok,
                           "rows": [row.as_dict() for row in self.rows],
                           "facts": self.facts}, indent=1)

    def to_text(self):
        cells = [("", "name", "goal", "result", "unit", "")]
        for row in self.rows:
            cells.append(("ok" if row.ok else "FAILED", row.name,
                          str(row.goal), number(row.result), row.unit,
                          row.note))
        widths = [max(len(line[i]) for line in cells) for i in range(6)]
        lines = ["  ".join(cell.ljust(width) for cell, width
                           in zip(line, widths)).rstrip() for line in cells]
        lines.append(self.verdict())
        return "\n".join(lines)

    def verdict(self):
        bad = sum(not row.ok for row in self.rows)
        if not self.rows:
            return "Nothing was measured."
        if bad:
            return "%d of %d goals missed." % (bad, len(self.rows))
        return "All %d goals reached." % len(self.rows)

    def to_html(self):
        def esc(text):
            return html.escape(str(text))

        title = "netdom-bench " + self.command
        out = ["<!doctype html>",
               '<html lang="en"><head><meta charset="utf-8">',
               "<title>%s</title>" % esc(title),
               "<style>%s</style></head><body>" % STYLE,
               "<h1>%s</h1><p>%s</p>" % (esc(title), esc(self.intro)),
               '<p class="verdict">%s</p>' % esc(self.verdict()),
               "<table><tr><th></th><th>name</th><th>goal</th>"
               "<th>result</th><th>unit</th></tr>"]
        for row in self.rows:
            note = "<br><small>%s</small>" % esc(row.note) if row.note else ""
            out.append(
                '<tr><td class="%s">%s</td><td>%s%s</td><td>%s</td>'
                '<td class="n">%s</td><td>%s</td></tr>' % (
                    "ok" if row.ok else "bad", "ok" if row.ok else "missed",
                    esc(row.name), note, esc(row.goal),
                    esc(number(row.result)), esc(row.unit)))
        out.append("</table>")
        for title, svg in self.charts:
            out.append("<h2>%s</h2>%s" % (esc(title), svg))
        out.append("<h2>Where</h2><table>")
        out += ["<tr><td>%s</td><td>%s</td></tr>" % (esc(key), esc(value))
                for key, value in self.facts.items()]
        out.append("</table></body></html>")
        return "\n".join(out) + "\n"


def number(value):
    """A result as people read it."""
    return "%.6g" % value if isinstance(value, float) else str(value)


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [line.partition(":")[2].strip() for line in file
                     if line.startswith("model name")]
    except OSError:
        lines = []
    return "%d x %s" % (len(lines), lines[0]) if lines else "unknown"
