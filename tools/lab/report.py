"""Rows of set against measured: as a table, as JSON, as one page.

Thread: any; pure.
"""

import html

BY_OUTSIDE = ("kernel counters", "ping", "iperf3", "packet socket")


class Row:
    """One expectation: what was to be, what was measured, and by what."""

    def __init__(self, name, goal, result, unit, ok, by, note=""):
        self.name = name
        self.goal = goal
        self.result = result
        self.unit = unit
        self.ok = bool(ok)
        self.by = by                    # What measured it.
        self.note = note

    @property
    def outside(self):
        """Whether none of our own code measured it."""
        return self.by in BY_OUTSIDE

    def as_dict(self):
        return {"name": self.name, "goal": self.goal, "result": self.result,
                "unit": self.unit, "ok": self.ok, "measured_by": self.by,
                "outside": self.outside, "note": self.note}


def number(value):
    """A result as people read it."""
    if isinstance(value, float):
        return "%.3g" % value if abs(value) < 100 else "%.1f" % value
    return str(value)


def table(rows):
    """The rows as text."""
    cells = [("", "name", "goal", "result", "unit", "measured by", "")]
    for row in rows:
        cells.append(("ok" if row.ok else "FAILED", row.name, row.goal,
                      number(row.result), row.unit, row.by, row.note))
    widths = [max(len(line[column]) for line in cells)
              for column in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width
                       in zip(line, widths)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths[:-1]))
    return "\n".join(lines)


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


def page(title, intro, rows, charts, facts):
    """One self-contained HTML page.  'charts' are <svg> elements, 'facts'
    pairs of words."""
    def esc(text):
        return html.escape(str(text))

    bad = sum(not row.ok for row in rows)
    outside = sum(row.outside for row in rows)
    verdict = ("All %d expectations held" % len(rows) if not bad else
               "%d of %d expectations failed" % (bad, len(rows)))
    out = ["<!doctype html>", '<html lang="en"><head><meta charset="utf-8">',
           "<title>%s</title>" % esc(title),
           "<style>%s</style></head><body>" % STYLE,
           "<h1>%s</h1>" % esc(title), "<p>%s</p>" % esc(intro),
           '<p class="verdict">%s; %d of the rows were measured by the kernel,'
           " ping or iperf3, outside netdom's own code.</p>" % (
               esc(verdict), outside),
           "<h2>Set against measured</h2>",
           "<table><tr><th></th><th>name</th><th>goal</th><th>result</th>"
           "<th>unit</th><th>measured by</th></tr>"]
    for row in rows:
        note = "<br><small>%s</small>" % esc(row.note) if row.note else ""
        out.append(
            '<tr><td class="%s">%s</td><td>%s%s</td><td>%s</td>'
            '<td class="n">%s</td><td>%s</td><td>%s</td></tr>' % (
                "ok" if row.ok else "bad", "ok" if row.ok else "failed",
                esc(row.name), note, esc(row.goal), esc(number(row.result)),
                esc(row.unit), esc(row.by)))
    out.append("</table><h2>Throughput over time, per VIF</h2>")
    out.append("<p>Bytes are layer 2, counted by the kernel at the guest's"
               " tap; dashed: the limit that was set.</p>")
    out += charts
    out.append("<h2>Where</h2><table>")
    out += ["<tr><td>%s</td><td>%s</td></tr>" % (esc(key), esc(value))
            for key, value in facts]
    out.append("</table></body></html>")
    return "\n".join(out) + "\n"
