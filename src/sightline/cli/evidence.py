"""``sightline evidence``: the ledger that the last test run wrote."""

from __future__ import annotations

from rich.console import Console

from sightline.cli.terminal import FAILED, OK, Answer, table, talk
from sightline.core.evidence import Evidence, ledger
from sightline.core.index import entries as listed


def evidence(*, json: bool = False, check: bool = False) -> Answer:
    """Show what proves each method: the peer that it equals, or the published figure that it reaches.

    Parameters
    ----------
    json
        Give the ledger as JSON.
    check
        Exit with 1 and name every catalogued method without evidence that holds.
    """
    entries = ledger()
    proven = {(entry.field, entry.method) for entry in entries if entry.holds}
    bare = [f"{m.field}.{m.name}" for m in listed() if (m.field, m.name) not in proven] if check else []

    def show(console: Console) -> None:
        if not entries:
            console.print("The ledger is empty: a run of the tests fills it.")
        rows = [_row(entry) for entry in sorted(entries, key=lambda entry: entry.key)]
        if rows:
            console.print(table(("method", "proof", "bound", "measured", "holds"), rows, right=("measured",)))
        if check and not bare:
            console.print("\nEvery catalogued method has evidence that holds.")
        for name in bare:
            console.print(f"{name}: no evidence that holds", style="red")

    if json:  # the document stays a ledger; what is missing from it is said beside it
        for name in bare:
            talk().print(f"{name}: no evidence that holds", style="red")
    return Answer([entry.to_json() for entry in entries], show, json, FAILED if bare else OK)


def _row(entry: Evidence) -> tuple[str, ...]:
    measured = "" if entry.measured is None else f"{entry.measured:g}"
    if entry.kind == "equals":
        proof, bound = f"equals {entry.peer} {entry.version}".rstrip(), entry.tolerance
    else:
        proof, bound = f"reaches {entry.figure}", f"{entry.published:g} ({entry.source})"
    return (f"{entry.field}.{entry.method}", proof, bound, measured, "✓" if entry.holds else "✗")
