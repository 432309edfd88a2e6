"""Results as Markdown: medians, tables, verdicts."""

import statistics


def median_of(results, key):
    return statistics.median(result[key] for result in results)


def spread_of(results, key):
    values = [result[key] for result in results]
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def table(head, rows):
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return ["| " + " | ".join(row) + " |" for row in [head, rule, *rows]]


def verdict(what, value, limit, unit, digits=1):
    met = "met" if value <= limit else "MISSED"
    return f"- {what}: {value:.{digits}f} {unit}, target at most {limit:g} {unit}: **{met}**"


def verdict_at_least(what, value, limit, unit, digits=0):
    met = "met" if value >= limit else "MISSED"
    return f"- {what}: {value:.{digits}f} {unit}, target at least {limit:g} {unit}: **{met}**"


def cost_table(results):
    head = ["server", "server CPU us/message", "in the kernel", "messages/s",
            "generator us/message"]
    return table(head, [[
        name,
        spread_of(found, "server_us"),
        f"{median_of(found, 'system_share') * 100:.0f} %",
        f"{median_of(found, 'rate'):,.0f}",
        f"{median_of(found, 'generator_us'):.1f}",
    ] for name, found in results.items()])
